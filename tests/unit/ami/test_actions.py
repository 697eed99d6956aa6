import pytest

from ctid.ami import actions


@pytest.mark.parametrize("value", ["x\r\nAction: Originate", "x\ny", "x\ry", "x\0y"])
def test_no_value_can_end_its_line(value: str) -> None:
    with pytest.raises(actions.RefusedValueError) as refused:
        actions.check(actions.getvar(value, "CDR(answer,u)"))
    assert "Originate" not in str(refused.value)


def test_a_challenge_is_answered_without_the_secret() -> None:
    login = actions.login_md5("ctid", "mypass", "159753")
    assert login["Key"] == "494c107607354d1f1fe5a9ea06ec8125"
    assert "mypass" not in str(login)
