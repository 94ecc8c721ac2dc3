"""Regions by which detectors and segmentations are scored: things and what lies beside them, pixels of every class."""

from __future__ import annotations

import numpy as np

from headstart.tasks.boxes import region_points


def boxes(*rows: tuple[float, ...]) -> np.ndarray:
    """One picture with these boxes, class and edges."""
    return np.array([rows])


def test_each_thing_has_a_region_of_its_size_beside_all_things() -> None:
    found = region_points.of_boxes(boxes((1, 0.1, 0.1, 0.3, 0.2), (-1, 0, 0, 0, 0)))
    assert found.truth.tolist() == [2, 0]
    assert found.places is not None
    np.testing.assert_allclose(found.places, [[0.1, 0.1, 0.3, 0.2], [0.7, 0.1, 0.9, 0.2]])


def test_where_a_mirrored_region_shows_a_thing_another_is_taken() -> None:
    found = region_points.of_boxes(boxes((0, 0.1, 0.1, 0.3, 0.2), (0, 0.7, 0.1, 0.9, 0.2)))
    assert found.places is not None
    np.testing.assert_allclose(found.places[found.truth == 0], [[0.1, 0.8, 0.3, 0.9], [0.7, 0.8, 0.9, 0.9]])


def test_where_things_fill_the_picture_nothing_lies_beside_them() -> None:
    assert region_points.of_boxes(boxes((0, 0.0, 0.0, 1.0, 1.0))).truth.tolist() == [1]


def test_a_crowd_is_no_thing_and_no_room_either() -> None:
    found = region_points.of_boxes(boxes((0, 0.1, 0.1, 0.3, 0.2), (-2, 0.6, 0.0, 1.0, 1.0), (-2, 0.0, 0.7, 1.0, 1.0)))
    assert found.truth.tolist() == [1]


def test_pixels_are_of_their_class_and_few_of_each() -> None:
    numbers = np.zeros((2, 20, 20), np.int16)
    numbers[0, 5:10, 5:10] = 1
    numbers[1, :, 10:] = -1
    found = region_points.of_pixels(numbers)
    assert found.places is not None
    assert np.bincount(found.owners).tolist() == [65, 40]
    for label, row, (left, top, *_) in zip(found.truth, found.owners, np.round(found.places * 20), strict=True):
        assert numbers[row, int(top), int(left)] == label


def test_an_input_without_classes_has_no_points() -> None:
    assert len(region_points.of_pixels(np.full((1, 4, 4), -1)).truth) == 0
