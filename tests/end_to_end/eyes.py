"""A page as people see it who tell colours apart differently, by Chromium's own emulation, and what can be measured in the picture."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page

DEFICIENCIES = ("protanopia", "deuteranopia", "tritanopia", "achromatopsia")
SCALE = 6
"""Pixels to a point, of the pages that are looked at: enough that the edge of a mark which stands between two pixels does not count."""
Picture = NDArray[Any]
"""Rows × columns × (red, green, blue), 0 to 255."""

_UNPACK = """async (png) => {
    const image = new Image();
    image.src = "data:image/png;base64," + png;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const raw = canvas.getImageData(0, 0, image.width, image.height).data;
    let text = "";
    for (let at = 0; at < raw.length; at += 32768) text += String.fromCharCode(...raw.subarray(at, at + 32768));
    return [image.height, image.width, btoa(text)];
}"""


class Eyes:
    """Looks at one page. Pictures are unpacked in an empty page beside it, which is not emulated."""

    def __init__(self, page: Page) -> None:
        self._devtools = page.context.new_cdp_session(page)
        self._unpacker = page.context.new_page()
        page.bring_to_front()

    def become(self, deficiency: str) -> None:
        """`deficiency`: one of DEFICIENCIES, or none."""
        self._devtools.send("Emulation.setEmulatedVisionDeficiency", {"type": deficiency})

    def see(self, what: Locator) -> Picture:
        """What stands there, as these eyes see it."""
        png = base64.b64encode(what.screenshot(animations="disabled")).decode()
        height, width, raw = self._unpacker.evaluate(_UNPACK, png)
        return np.frombuffer(base64.b64decode(raw), np.uint8).reshape(height, width, 4)[..., :3].astype(float)


def luminance(picture: Picture) -> Picture:
    """Relative luminance of each pixel (WCAG 2.2), 0 to 1."""
    one = picture / 255
    linear = np.where(one <= 0.04045, one / 12.92, ((one + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def contrast(picture: Picture) -> float:
    """Of a text and its ground, as it is in the picture: the ground is what most pixels are, the text what is farthest from it.

    A letter's edges are paler than the letter, so a hundredth of all pixels must be as far.
    """
    light = luminance(picture)
    values, counts = np.unique(light.round(4), return_counts=True)
    ground = float(values[counts.argmax()])
    ratios = (np.maximum(light, ground) + 0.05) / (np.minimum(light, ground) + 0.05)
    return float(np.quantile(ratios, 0.99))


def middle(picture: Picture, part: float) -> Picture:
    """The part of its height and width around the centre."""
    rows, columns = (round(length * (1 - part) / 2) for length in picture.shape[:2])
    return picture[rows : picture.shape[0] - rows, columns : picture.shape[1] - columns]


def apart(one: Picture, other: Picture) -> float:
    """How much of the ink of two marks of the same size lies where the other has none, 0 to 1.

    Whatever their colours, and whichever is darker: it is what tells them apart for whoever sees neither colour nor brightness.

    A picture begins at a whole point and a mark does not, so they are laid over each other as well as they can be.
    """
    first, second = _ink(one), _ink(other)
    rows, columns = (min(pair) for pair in zip(first.shape, second.shape, strict=True))
    first, second = first[:rows, :columns], second[:rows, :columns]
    moved = (np.roll(second, (down, right), (0, 1)) for down in range(-SCALE, SCALE + 1) for right in range(-SCALE, SCALE + 1))
    return min(float((first ^ each).sum() / (first | each).sum()) for each in moved)


def _ink(picture: Picture) -> Picture:
    """Where ink is: nearer to what is farthest from the ground, which is the pixel in the corner."""
    light = luminance(picture)
    far = np.abs(light - light[0, 0])
    return np.asarray(far > far.max() / 2)
