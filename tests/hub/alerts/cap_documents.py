"""A CAP 1.2 document that is right in every element, to be changed one element at a time."""

from __future__ import annotations

POLYGON = "40.68,-73.99 40.68,-73.97 40.70,-73.97 40.70,-73.99 40.68,-73.99"
"""In Brooklyn."""
SAME_BROOKLYN = "<geocode><valueName>SAME</valueName><value>036047</value></geocode>"

DOCUMENT = f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>OEM-1</identifier>
  <sender>oem@example.gov</sender>
  <sent>2026-11-22T13:50:00-05:00</sent>
  <status>Actual</status>
  <msgType>Alert</msgType>
  <scope>Public</scope>
  <info>
    <language>en-US</language>
    <category>Met</category>
    <event>Flash Flood Warning</event>
    <urgency>Immediate</urgency>
    <severity>Severe</severity>
    <certainty>Likely</certainty>
    <onset>2026-11-22T14:30:00-05:00</onset>
    <expires>2026-11-22T20:00:00-05:00</expires>
    <senderName>Office of Examples</senderName>
    <headline>Flash flooding near the canal</headline>
    <description>Water is rising.</description>
    <instruction>Go to higher ground.</instruction>
    <web>https://example.gov/flood</web>
    <area>
      <areaDesc>Gowanus</areaDesc>
      <polygon>{POLYGON}</polygon>
    </area>
  </info>
</alert>"""


def cap(*changes: tuple[str, str]) -> bytes:
    """The document with some of its text replaced; each change must find what it replaces."""
    text = DOCUMENT
    for old, new in changes:
        if old not in text:
            raise LookupError(old)
        text = text.replace(old, new, 1)
    return text.encode()


def area(*parts: str) -> tuple[str, str]:
    """Another area instead of the polygon."""
    return f"<polygon>{POLYGON}</polygon>", "".join(parts)


def geocode(name: str, value: str) -> str:
    return f"<geocode><valueName>{name}</valueName><value>{value}</value></geocode>"


def ring(lat: float, lon: float, half: float = 0.005) -> str:
    """A closed square around a point, as a polygon element."""
    corners = [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
    return f"<polygon>{' '.join(f'{lat + dy:.5f},{lon + dx:.5f}' for dx, dy in corners)}</polygon>"
