"""`ctid check-...` in a process of its own, beside servers of the test."""

from pathlib import Path

from tests.integration.cli.processes import ran


async def checked(folder: Path, config: str, token: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr. `token` is what the file of that name holds."""
    (folder / "ctid.toml").write_text(config)
    for name, secret in (("secret", "x"), ("token", token)):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    return await ran(folder / "ctid.toml", *arguments)
