"""Who has the page in a frame, against a plain list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vmwidgets.engine.memory.page import Page

moves = st.lists(st.tuples(st.sampled_from(["add", "remove", "replace"]), st.integers(0, 5), st.integers(6, 9)))


@given(moves)
def test_users_are_a_list_whose_first_owns_the_page(moves):
    page, users = Page(7, 0, 3, "init"), [0]
    for move, one, other in moves:
        if move == "add" and one not in users:
            page.add(one)
            users.append(one)
        elif move == "remove" and one in users and len(users) > 1:
            page.remove(one)
            users.remove(one)
        elif move == "replace" and one in users and other not in users:
            page.replace(one, other)
            users[users.index(one)] = other
        assert (page.users, page.owner) == (tuple(users), users[0])
        assert (page.others is None) == (len(users) == 1), "that it is one's alone can be seen at once"
        assert (page.frame, page.index, page.task) == (7, 3, "init")


def test_a_later_owner_is_replaced_where_it_stands():
    page = Page(7, "a", 3, "init")
    page.add("b")
    page.add("c")
    page.replace("b", "d")
    assert page.users == ("a", "d", "c")
    page.replace("a", "e")
    assert page.users == ("e", "d", "c")
