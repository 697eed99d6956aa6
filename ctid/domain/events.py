"""What happened on a PBX, as the tracker is told it.

One type per kind of event, named in the past tense. `at` is the PBX's own time of the event (its
`Timestamp`), or the arrival time where it sends none: Unix seconds, UTC. Named tuples, because one
is made per AMI event that matters and they must be cheap and immutable.
"""

from typing import NamedTuple


class Channel(NamedTuple):
    """A channel as one event shows it (Asterisk's channel snapshot).

    `state` is Asterisk's ChannelState: 0 Down, 4 Ring (it calls us), 5 Ringing (we call it), 6 Up.
    Unknown numbers and names are the empty string. `name` is e.g. `PJSIP/trunk-0000002c`.
    """

    name: str
    state: int
    caller_number: str
    caller_name: str
    context: str
    exten: str
    uniqueid: str
    linkedid: str


class ChannelCreated(NamedTuple):
    """Newchannel."""

    at: float
    channel: Channel


class ChannelStateChanged(NamedTuple):
    """Newstate."""

    at: float
    channel: Channel


class DialBegan(NamedTuple):
    """DialBegin. `channel` is None where the PBX itself dials. `dial_string` as in Dial()."""

    at: float
    channel: Channel | None
    dest: Channel
    dial_string: str


class DialEnded(NamedTuple):
    """DialEnd. `status` is ANSWER, BUSY, NOANSWER, CANCEL, CONGESTION, CHANUNAVAIL, CONTINUE ...

    `forward` is the number the phone forwarded to (302), else empty.
    """

    at: float
    channel: Channel | None
    dest: Channel
    status: str
    forward: str


class BridgeEntered(NamedTuple):
    """BridgeEnter. `technology` is e.g. simple_bridge, softmix, holding_bridge."""

    at: float
    channel: Channel
    bridge: str
    technology: str


class BridgeLeft(NamedTuple):
    """BridgeLeave."""

    at: float
    channel: Channel
    bridge: str


class HangupRequested(NamedTuple):
    """HangupRequest: the far end of this channel asked to hang up. `cause` 0 where not given."""

    at: float
    channel: Channel
    cause: int


class ShutdownHangup(NamedTuple):
    """SoftHangupRequest with cause 4: the PBX hangs the channel up because it shuts down."""

    at: float
    channel: Channel


class HungUp(NamedTuple):
    """Hangup: the channel is gone. `cause` is the Q.850 cause, 0 where not given."""

    at: float
    channel: Channel
    cause: int


class Held(NamedTuple):
    """Hold."""

    at: float
    channel: Channel


class Unheld(NamedTuple):
    """Unhold. Comes without a Hold before it, too."""

    at: float
    channel: Channel


class QueueJoined(NamedTuple):
    """QueueCallerJoin."""

    at: float
    channel: Channel
    queue: str


class QueueLeft(NamedTuple):
    """QueueCallerLeave."""

    at: float
    channel: Channel
    queue: str


class QueueAbandoned(NamedTuple):
    """QueueCallerAbandon: the caller left, or the time ran out, or the queue became empty."""

    at: float
    channel: Channel
    queue: str


class QueueMemberSeen(NamedTuple):
    """Something showed that this interface is a member of this queue (or is no longer)."""

    at: float
    queue: str
    interface: str
    member_name: str
    member: bool


class AppStarted(NamedTuple):
    """Newexten of an application that matters: Queue, VoiceMail, ConfBridge, FollowMe.

    May be a ghost: after an asynchronous goto the new context and exten come with the old
    application.
    """

    at: float
    channel: Channel
    app: str
    data: str


class VariableSet(NamedTuple):
    """VarSet of DIALSTATUS, QUEUESTATUS or MIXMONITOR_FILENAME."""

    at: float
    channel: Channel
    name: str
    value: str


class BlindTransferred(NamedTuple):
    """BlindTransfer that succeeded. `transferee` is None in a bridge of many."""

    at: float
    transferer: Channel
    transferee: Channel | None
    context: str
    exten: str


class AttendedTransferred(NamedTuple):
    """AttendedTransfer that succeeded. `orig` talked with the caller, `second` with the target."""

    at: float
    orig: Channel
    second: Channel
    transferee: Channel | None
    target: Channel | None
    dest_bridge: str


class Parked(NamedTuple):
    """ParkedCall."""

    at: float
    parkee: Channel


class Unparked(NamedTuple):
    """UnParkedCall, ParkedCallTimeOut or ParkedCallGiveUp; `how` is the event's name."""

    at: float
    parkee: Channel
    retriever: Channel | None
    how: str


class PickedUp(NamedTuple):
    """Pickup: `channel` took the call that was ringing at `target`."""

    at: float
    channel: Channel
    target: Channel


class UserEvent(NamedTuple):
    """UserEvent from the dialplan; `fields` are its own headers, names as written."""

    at: float
    channel: Channel | None
    name: str
    fields: dict[str, str]


class FullyBooted(NamedTuple):
    """FullyBooted: comes at every login, so it does not mean a restart.

    `uptime`: for how many whole seconds this process has been running, None where it does not say.
    """

    at: float
    uptime: float | None


class ShutDown(NamedTuple):
    """Shutdown: the PBX ends in order."""

    at: float
    restart: bool


class ForgeryFound(NamedTuple):
    """The decoder mended an event that a caller's number had torn. Told once per channel."""

    at: float
    uniqueid: str
    dropped: int


class ListedChannel(NamedTuple):
    """One channel of CoreShowChannels or Status.

    `age` is its age in whole seconds, `dnid` the number first dialled (only Status knows it),
    `application` e.g. Queue, Dial, AppDial, AppQueue, with `data`.
    """

    channel: Channel
    bridge: str
    application: str
    data: str
    age: float | None
    dnid: str


class ListedQueueEntry(NamedTuple):
    """One waiting caller of QueueStatus; `wait` whole seconds in the queue so far."""

    queue: str
    uniqueid: str
    wait: float


class Snapshot(NamedTuple):
    """The answers to the actions asked after attaching, complete.

    `bridges`: bridge id to technology. `answered_at`: an agent's leg (uniqueid) to the time of its
    answer, from CDR(answer,u); `started_at`: a caller's channel to CDR(start,u). Both only where
    the PBX could be asked. `members`: (queue, interface, member name). `told`: channels of which
    events will tell that were seen before the lists were whole (see catchup.py).
    """

    at: float
    channels: tuple[ListedChannel, ...]
    bridges: dict[str, str]
    queue_entries: tuple[ListedQueueEntry, ...]
    members: tuple[tuple[str, str, str], ...]
    answered_at: dict[str, float]
    started_at: dict[str, float]
    told: frozenset[str] = frozenset()


class Attached(NamedTuple):
    """We see the PBX (again). `restarted`: it is not the process we saw before.

    `snapshot` follows before any other event where the PBX could be asked.
    """

    at: float
    restarted: bool


class Detached(NamedTuple):
    """We no longer see the PBX. `cause` is a GapCause."""

    at: float
    cause: str


Event = (
    ChannelCreated
    | ChannelStateChanged
    | DialBegan
    | DialEnded
    | BridgeEntered
    | BridgeLeft
    | HangupRequested
    | ShutdownHangup
    | HungUp
    | Held
    | Unheld
    | QueueJoined
    | QueueLeft
    | QueueAbandoned
    | QueueMemberSeen
    | AppStarted
    | VariableSet
    | BlindTransferred
    | AttendedTransferred
    | Parked
    | Unparked
    | PickedUp
    | UserEvent
    | FullyBooted
    | ShutDown
    | ForgeryFound
    | Snapshot
    | Attached
    | Detached
)
