"""Damaged files by the hundred or by the ten thousand, read within bounds of time and memory."""

import os
import resource
import signal
import traceback
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# cases of the quick tests, and of `make soak`, which another number may replace
QUICK = 100
FEW = 30
SOAK = int(os.environ.get("BAYESCANNON_FUZZ_CASES", "10000"))
CASES = [QUICK, pytest.param(SOAK, marks=pytest.mark.soak)]
# of what must be imported anew or forked for each case
DEAR_CASES = [FEW, pytest.param(max(SOAK // 5, FEW), marks=pytest.mark.soak)]
SECONDS, BYTES = 30, 1 << 30


def run(test, *strategies, n, **named):
    """Run a test on so many cases, the same ones every time."""
    chosen = settings(
        max_examples=n, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    chosen(given(*strategies, **named)(test))()


@contextmanager
def bounded(seconds=SECONDS, size=BYTES):
    """Fail where the block takes longer, or more memory is asked for than there was and `size`."""

    def late(*_):
        pytest.fail(f"not done within {seconds} s")

    with open("/proc/self/statm") as file:  # noqa: PTH123
        now = int(file.read().split()[0]) * resource.getpagesize()
    old_limit = resource.getrlimit(resource.RLIMIT_AS)
    old_handler = signal.signal(signal.SIGALRM, late)
    resource.setrlimit(resource.RLIMIT_AS, (now + size, old_limit[1]))
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old_handler)
        resource.setrlimit(resource.RLIMIT_AS, old_limit)


def asks_for_memory(message):
    """Tell whether a message is that of an allocation which failed."""
    return any(word in message for word in ("MemoryError", "Unable to allocate", "malloc of size", "bad_alloc"))


def in_a_child(read, seconds=SECONDS, size=3 << 30):
    """
    Call a function in a forked process that a hang or a crash of compiled code ends; return what it did.

    ``read`` returns True for a result, and False for a refusal. The answer is "read", "refused", or a text that says
    what happened instead.
    """
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        # the default action of the alarm ends loops of compiled code too
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        try:
            answer = "read" if read() else "refused"
        except BaseException:
            answer = traceback.format_exc()[-2000:]
        os.write(send, answer.encode("utf-8", "replace"))
        os._exit(0)
    os.close(send)
    with os.fdopen(receive, "rb") as stream:
        answer = stream.read().decode()
    _, status = os.waitpid(pid, 0)
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else answer


def _place(data, share):
    return min(int(share * len(data)), len(data))


@st.composite
def damages(draw):
    """Return a list of damages of bytes: kind, place and size as shares of the file, and new bytes."""
    one = st.tuples(
        st.sampled_from(("flip", "flip", "cut", "zero", "lose", "twice", "new", "swap")),
        st.one_of(st.floats(0, 1), st.floats(0, 0.02)),
        st.integers(1, 300),
        st.binary(min_size=1, max_size=12),
    )
    return draw(st.lists(one, min_size=1, max_size=3))


def damage(data, chosen):
    """Return bytes with the damages of `damages`."""
    for kind, share, size, new in chosen:
        at = _place(data, share)
        far = min(at + size, len(data))
        if kind == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ (new[0] or 1)]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "zero":
            data = data[:at] + bytes(far - at) + data[far:]
        elif kind == "lose":
            data = data[:at] + data[far:]
        elif kind == "twice":
            data = data[:far] + data[at:far] + data[far:]
        elif kind == "new":
            data = data[:at] + new + data[at + len(new) :]
        elif kind == "swap":
            data = data[far:] + data[:far]
    return data


# what headers of FITS may be told
_NUMBERS = (0, -1, 1, 2, 7, 8, 16, -32, -64, 99, 3909, 10**6, 2**31, 2**63, 10**20, -(10**20))
_WORDS = (
    "'1E'", "'9999999999E'", "'PE(99)'", "'QD(10)'", "'A'", "'X'", "T", "F", "1.5E300", "NAN", "'\\x1b[2J'", "'(3,4)'",
)  # fmt: skip
_KEYS = (
    "SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "EXTEND", "XTENSION", "PCOUNT", "GCOUNT", "TFIELDS",
    "TFORM1", "TFORM2", "TTYPE1", "TDIM1", "TSCAL1", "TZERO1", "TNULL1", "THEAP", "EXTNAME", "ZNAXIS", "ZNAXIS1",
    "ZIMAGE", "COEFF0", "COEFF1", "Z", "RA", "SNRG", "CRVAL1", "CDELT1", "TELESCOP", "VACUUM", "END",
)  # fmt: skip


@st.composite
def cards(draw):
    """Return new values of cards of FITS headers: key, number of the header that has it, value."""
    value = st.one_of(st.sampled_from(_NUMBERS).map(str), st.sampled_from(_WORDS), st.integers().map(str))
    return draw(st.lists(st.tuples(st.sampled_from(_KEYS), st.integers(0, 2), value), min_size=1, max_size=4))


def with_cards(data, chosen):
    """Return a FITS file with other values in its headers."""
    for key, number, value in chosen:
        at = -1
        for _ in range(number + 1):
            found = data.find(f"{key:8}".encode(), at + 1)
            at = found if found >= 0 and found % 80 == 0 else at
        if at >= 0:
            data = data[:at] + f"{key:8}= {value:>20}".ljust(80)[:80].encode() + data[at + 80 :]
    return data
