"""Fetch and unpack a packaged Asterisk into a cache folder: `fetch.py 22 16`.

Standard library only, because `.ci/run` calls it before any virtual environment exists. Nothing is
installed: the packages and all they need are downloaded with a private apt state and unpacked with
`dpkg-deb -x`; Asterisk is later started through its own dynamic loader. The mirror is the one that
the machine's own apt sources name.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Which suites package which major version, tried in this order.
SUITES = {"22": ("forky", "sid"), "16": ("bullseye",)}
PACKAGES = {
    "22": ("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm"),
    "16": ("asterisk", "asterisk-modules", "asterisk-voicemail", "asterisk-core-sounds-en-gsm"),
}
# Changes whenever a cached tree of an older version of this script will not do.
RECIPE = "2"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class FetchError(Exception):
    """This Asterisk cannot be had here; the message is one line for a person."""


def cache_dir() -> Path:
    """The folder with one unpacked tree per major version."""
    own = os.environ.get("CTID_ASTERISK_CACHE")
    return Path(own) if own else Path(__file__).resolve().parents[3] / ".cache" / "asterisk"


def mirrors() -> Iterator[str]:
    """The package archives that this machine uses, and where the same host keeps old suites."""
    seen: list[str] = []
    files = [Path("/etc/apt/sources.list")]
    folder = Path("/etc/apt/sources.list.d")
    files += sorted(folder.glob("*.sources")) + sorted(folder.glob("*.list"))
    for file in files:
        if not file.is_file():
            continue
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            match = re.match(r"URIs:\s*(.+)", line) or re.match(
                r"deb\s+(?:\[[^]]*\]\s+)?(\S+)", line
            )
            for uri in match[1].split() if match else ():
                if uri.rstrip("/").endswith("/debian") and uri not in seen:
                    seen.append(uri)
    yield from seen
    for uri in seen:
        yield uri.rstrip("/").removesuffix("/debian") + "/debian-archive/debian"


def _run(*command: str) -> str:
    """Run a command quietly; its last line of complaint becomes the FetchError."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise FetchError(lines[-1] if lines else f"{command[0]} exited with {done.returncode}")
    return done.stdout


def _unpack(mirror: str, suite: str, major: str, tree: Path, work: Path) -> str:
    """Fill `tree` from one suite of one mirror; gives the package's version."""
    for folder in (
        "lists/partial",
        "cache/archives/partial",
        "etc/apt.conf.d",
        "etc/preferences.d",
    ):
        (work / folder).mkdir(parents=True)
    (work / "status").touch()
    source = work / "sources.list"
    source.write_text(f"deb [signed-by={KEYRING}] {mirror} {suite} main\n", encoding="utf-8")
    options = [
        f"Dir::Etc={work / 'etc'}",
        f"Dir::Etc::sourcelist={source}",
        "Dir::Etc::sourceparts=-",
        f"Dir::State={work}",
        f"Dir::State::lists={work / 'lists'}",
        f"Dir::State::status={work / 'status'}",
        f"Dir::Cache={work / 'cache'}",
        "APT::Install-Recommends=0",
        f"APT::Sandbox::User={'root' if os.geteuid() == 0 else ''}",
        "Acquire::Languages=none",
        # Old and moving suites often have a Release file past its date.
        "Acquire::Check-Valid-Until=false",
        "Acquire::Retries=3",
    ]
    flags = [word for option in options for word in ("-o", option)]
    # Without this apt-get only warns when the suite does not exist.
    _run("apt-get", *flags, "-o", "APT::Update::Error-Mode=any", "update", "-qq")
    policy = _run("apt-cache", *flags, "policy", "asterisk")
    found = re.search(r"Candidate: (?:\d+:)?(\S+)", policy)
    version = found[1] if found else "none"
    if version.split(".")[0] != major:
        raise FetchError(f"suite {suite} has asterisk {version}, wanted {major}")
    _run("apt-get", *flags, "-y", "-q", "--download-only", "install", *PACKAGES[major])
    archives = sorted((work / "cache" / "archives").glob("*.deb"))
    for archive in archives:
        _run("dpkg-deb", "-x", str(archive), str(tree))
    for useless in ("usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(tree / useless, ignore_errors=True)
    sounds = tree / "usr/share/asterisk/sounds"
    voices = sorted(sounds.glob("en_US_*"))
    if voices and not (sounds / "en").exists():
        # The maintainer script would have made this link.
        (sounds / "en").symlink_to(voices[0].name)
    return version


def fetch(major: str) -> Path:
    """The unpacked tree of this major version, fetched if there is none. Raises FetchError."""
    target = cache_dir() / major
    mark = target / "VERSION"
    if mark.is_file() and (target / f"RECIPE-{RECIPE}").is_file():
        print(f"asterisk {major}: {mark.read_text(encoding='utf-8').strip()} (cached)")
        return target
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise FetchError(f"{tool} is missing: Asterisk can only be fetched on Debian")
    complaints: list[str] = []
    target.parent.mkdir(parents=True, exist_ok=True)
    for suite in SUITES[major]:
        for mirror in mirrors():
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"fetch-{major}-") as work:
                tree = Path(work) / "tree"
                tree.mkdir()
                try:
                    version = _unpack(mirror, suite, major, tree, Path(work) / "apt")
                except FetchError as error:
                    complaints.append(f"{suite}: {error}")
                    continue
                (tree / f"RECIPE-{RECIPE}").touch()
                (tree / "VERSION").write_text(version + "\n", encoding="utf-8")
                shutil.rmtree(target, ignore_errors=True)
                tree.rename(target)
            print(f"asterisk {major}: {version} from {suite}")
            return target
    why = "; ".join(dict.fromkeys(complaints)) or "no Debian mirror in the apt sources"
    raise FetchError(why)


def main(majors: list[str]) -> int:
    """Fetch every named major version; exit code 1 if one is not to be had."""
    failed = False
    for major in majors or sorted(SUITES):
        if major not in SUITES:
            print(f"asterisk {major}: unknown, choose of {', '.join(SUITES)}", file=sys.stderr)
            failed = True
            continue
        try:
            fetch(major)
        except FetchError as error:
            print(f"asterisk {major}: not found: {error}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
