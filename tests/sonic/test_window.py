"""The window's arithmetic; what the client makes of it is in test_client_window.py."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sonic.window import Window

MOST = 16
QUICK_S, TARGET_S = 0.1, 1.0


def a_window(first: int = MOST) -> Window:
    """Return a window that knows how quick the servers are when nothing waits."""
    window = Window(first, TARGET_S)
    window.answered(1, 0.0, QUICK_S, MOST)
    return window


EVENTS = st.lists(
    st.tuples(st.sampled_from(["answered", "refused"]), st.integers(1, 4096), st.floats(0, 100), st.floats(0, 5)),
    max_size=60,
)


@given(st.integers(1, 20), EVENTS, st.integers(1, 40))
def test_whatever_happens_the_window_is_between_one_and_most(
    first: int, events: list[tuple[str, int, float, float]], most: int
) -> None:
    """A client must never stop for its window, and never exceed its limit."""
    window, now = Window(first, TARGET_S), 0.0
    assert 1 <= window.requests(most) <= most
    for what, n_patches, latency_s, pause_s in events:
        now += pause_s
        if what == "answered":
            window.answered(n_patches, now - latency_s, now, most)
        else:
            window.refused(now - latency_s, now, most)
        assert 1 <= window.requests(most) <= most
        assert window.requests(1) == 1


def test_it_begins_as_it_is_told_and_grows_by_one_with_each_answer() -> None:
    """A client of a pool that has time must soon use all of its window."""
    window = Window(4, TARGET_S)
    sizes = []
    for number in range(20):
        sizes.append(window.requests(MOST))
        window.answered(1, float(number), number + QUICK_S, MOST)
    assert sizes == [*range(4, MOST), *[MOST] * (20 - (MOST - 4))]


def test_answers_that_waited_shrink_it_once_for_all_that_were_sent_before() -> None:
    """A window of late answers tells of one queue, so it must count once; a request sent later tells anew."""
    window = a_window()
    for number in range(8):
        window.answered(1, 10.0, 12.0 + number / 10, MOST)
    assert window.requests(MOST) == int(0.7 * MOST)
    window.answered(1, 13.0, 15.0, MOST)
    assert window.requests(MOST) == int(0.7 * 0.7 * MOST)


def test_it_shrinks_to_one_and_no_further() -> None:
    """One request must always be allowed."""
    window = a_window()
    for number in range(40):
        window.answered(1, 10.0 * number + 10, 10.0 * number + 19, MOST)
    assert window.requests(MOST) == 1


def test_it_grows_by_one_in_four_windows_worth_of_answers() -> None:
    """After it has shrunk it must feel its way up, not jump."""
    window = a_window()
    for number in range(40):
        window.refused(float(number), number + 0.5, MOST)
    assert window.requests(MOST) == 1
    sizes = []
    for number in range(800):
        window.answered(1, 100.0 + number, 100.0 + number + QUICK_S, MOST)
        sizes.append(window.requests(MOST))
    answers_at = [sizes.count(size) for size in range(2, MOST)]
    assert sizes == sorted(sizes)
    assert all(4 * size - 3 <= count <= 4 * size + 5 for size, count in enumerate(answers_at, start=2)), answers_at
    assert sizes[-1] == MOST


def test_a_refusal_halves_it_once_for_all_that_were_sent_before() -> None:
    """A queue that is full is full for the whole window."""
    window = a_window()
    for _ in range(5):
        window.refused(10.0, 11.0, MOST)
    assert window.requests(MOST) == MOST // 2
    window.refused(11.5, 12.0, MOST)
    assert window.requests(MOST) == MOST // 4


def test_large_requests_are_not_taken_for_waiting_ones() -> None:
    """What a request takes grows with its patches; only what exceeds that is a queue."""
    window = Window(MOST, TARGET_S)
    window.answered(100, 0.0, 100 * 0.01, MOST)
    window.answered(4000, 10.0, 10.0 + 4000 * 0.01 + 0.9 * TARGET_S, MOST)
    assert window.requests(MOST) == MOST
    window.answered(4000, 60.0, 60.0 + 4000 * 0.01 + 1.1 * TARGET_S, MOST)
    assert window.requests(MOST) < MOST


def test_a_server_that_became_slower_for_good_is_no_queue_for_ever() -> None:
    """The quickest answer must be forgotten in time, or a slower pool would be asked one request at a time for ever."""
    window = a_window()
    now = 10.0
    for _ in range(10_000):
        window.answered(1, now, now + QUICK_S + 2 * TARGET_S, MOST)
        now += 10
    assert window.requests(MOST) == MOST
