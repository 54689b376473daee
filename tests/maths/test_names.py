"""What the package promises is there."""

import core.maths


def test_every_name_of_the_package_can_be_had():
    for name in core.maths.__all__:
        assert getattr(core.maths, name) is not None
    assert {"conv2d_forward", "conv2d_backward", "update", "race", "LANDSCAPES"} <= set(core.maths.__all__)
