"""A Request Tracker of its own: SQLite in a folder, loopback only, no mail leaves it."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ctid.config.backends import RtBackend
from ctid.config.secret import Secret
from tests.integration.tickets.real.program import Program, free_port

SERVER: Final = Path("/usr/share/request-tracker5/libexec/rt-server")
_SETUP: Final = "rt-setup-database-5"
MISSING: Final = "Request Tracker is not installed: .ci/install-tickets"

# the cost of bcrypt is paid with each request that brings a token: 0.3 s by default
_SITE = """
Set($rtname, 'test');
Set($Organization, 'test');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {port});
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/database');
Set($MailCommand, 'testfile');
Set($BcryptCost, 4);
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
$RT::MasonDataDir = '{folder}/mason';
$RT::MasonSessionDir = '{folder}/sessions';
1;
"""

# Telephony is as docs/tickets-rt.md says. In Plain nobody made the field; in Locked the field may
# be seen, but not set; Hidden may not be seen.
_SEED = """
my @keyed = ('Telephony', 'Locked', 'Hidden', "O'Brien / 网络");
@Queues = map {{ {{ Name => $_, Description => $_ }} }} (@keyed, 'Plain');
@CustomFields = ({{
    Name => 'CallKey', Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket',
    ApplyTo => [@keyed],
}});
@Users = map {{ {{ Name => $_, Password => 'secret-of-tests', Privileged => 1 }} }}
    ('ctid', 'zhang', 'nobody-yet');
my @all = qw(SeeQueue CreateTicket ShowTicket ShowTicketComments ModifyTicket CommentOnTicket
    SeeCustomField);
@ACL = (
    {{ Right => 'SuperUser', UserId => 'zhang' }},
    map {{ my $queue = $_; map {{ {{ Right => $_, UserId => 'ctid', Queue => $queue }} }} (@all,
        $queue eq 'Locked' ? () : 'ModifyCustomField') }}
        ('Telephony', 'Plain', 'Locked', "O'Brien / 网络"),
);
@Final = (sub {{
    for my $name ('ctid', 'zhang', 'nobody-yet') {{
        my $user = RT::User->new(RT->SystemUser);
        $user->Load($name);
        my ($ok, $why, $token) = RT::AuthToken->new(RT->SystemUser)->Create(
            Owner => $user->id, Description => 'tests');
        die $why unless $ok;
        open my $file, '>', "{folder}/token-$name" or die $!;
        print $file $token;
        close $file;
    }}
}});
1;
"""


@dataclass(frozen=True)
class Rt:
    program: Program
    folder: Path

    def token(self, user: str = "ctid") -> str:
        return (self.folder / f"token-{user}").read_text()

    def table(self, token: str | None = None, **keys: Any) -> RtBackend:
        table = RtBackend.model_validate(
            {"url": self.program.url, "queue": "Telephony", "timeout_seconds": 60.0, **keys}
        )
        return table.model_copy(update={"token": Secret(token or self.token())})

    def insert(self, perl: str) -> None:
        """What an administrator does: rights, for example, as RT's own initial data."""
        file = self.folder / "more.pl"
        file.write_text(f"use utf8;\n{perl}\n1;\n")
        _setup(self.folder, "--action", "insert", "--datafile", str(file))


def installed() -> bool:
    return SERVER.exists() and shutil.which(_SETUP, path=_path()) is not None


def prepare(folder: Path) -> Rt:
    """Make the database and its contents; the program is not started yet."""
    port = free_port()
    for name in ("site.d", "mason", "sessions"):
        (folder / name).mkdir()
    (folder / "site.pm").write_text(_SITE.format(port=port, folder=folder))
    (folder / "seed.pl").write_text("use utf8;\n" + _SEED.format(folder=folder))
    _setup(folder, "--action", "init", "--skip-create")
    _setup(folder, "--action", "insert", "--datafile", str(folder / "seed.pl"))
    command = [str(SERVER), "--server", "Standalone", "--host", "127.0.0.1", "--port", str(port)]
    return Rt(Program(command, _environ(folder), port, folder / "log"), folder)


def _setup(folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        [_SETUP, *arguments],
        env={**os.environ, **_environ(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()


def _environ(folder: Path) -> dict[str, str]:
    return {
        "PATH": _path(),
        "RT_SITE_CONFIG": str(folder / "site.pm"),
        "RT_SITE_CONFIG_DIR": str(folder / "site.d"),
    }


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
