"""Kinds of events that every language has a name for, each with the one standard thing to do about it. English is the msgid of both.

The names are those of the U.S. National Weather Service and of the Emergency Alert System (47 CFR 11.31) that a city on a coast gets, those
of Notify NYC's own notices, and those that our texts to start from use. What to do follows Ready.gov and the Weather Service's own rules,
the sentence that saves most first, since a short message drops sentences from the end. An event is given none when what to do depends on
more than its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_INSIDE = "Go inside now and stay away from windows."
_TORNADO = "Go to a basement or an inside room without windows now."
_WATER = "Do not walk or drive through water. Stay away from flooded streets."
_FLASH_FLOOD = "Leave basements and go to a higher floor now. Do not walk or drive through water."
_HURRICANE = "Stay inside, away from windows. If you are told to evacuate, leave at once."
_SURGE = "Move away from the shore. If you are told to evacuate, leave at once."
_WIND = "Stay away from trees and power lines. Bring loose things inside."
_WINTER = "Stay off the roads if you can. Keep warm."
_COLD = "Stay inside if you can. Dress warmly. Check on older neighbors."
_HEAT = "Stay in a cool place and drink water. Check on older neighbors."
_FOG = "Drive slowly and keep your distance."
_AIR = "Stay inside if you can and keep windows closed."
_FIRE = "Stay away from the area. If you live nearby, close windows and doors."
_NO_FLAMES = "Do not light fires outdoors."
_TSUNAMI = "Go to high ground, away from the shore, now."
_SHORE = "Stay out of the water and away from the shore."
_BOATS = "Stay off the water in small boats."
_SHAKING = "Drop, cover and hold on. Stay away from windows."
_GAS = "Leave the building now. Do not use switches or flames."
_EVACUATE = "Leave the area now. Call 911 if you can't leave on your own."
_SHELTER = "Go inside now. Close windows and doors and turn off fans."
_KEEP_AWAY = "Stay away from the area."
_POWER = "Never run a generator or grill indoors. Keep refrigerators closed."
_BOIL = "Boil water for one minute before you drink it, or use bottled water."
_DETOUR = "Use another way, or allow more time."
_LOOK_OUT = "If you see this person or car, call 911."
_BE_READY = "Be ready to act, and follow the news."

AT_ONCE = frozenset({_INSIDE, _TORNADO, _FLASH_FLOOD, _TSUNAMI, _SHAKING, _GAS, _EVACUATE, _SHELTER})
"""What is done at once or not at all: to leave, to take shelter. Said with "Act now" only: a leak that closes a street empties no house."""

HAZARDS: Mapping[str, str] = MappingProxyType(
    {
        # The National Weather Service.
        "Air Quality Alert": _AIR,
        "Air Stagnation Advisory": _AIR,
        "Beach Hazards Statement": _SHORE,
        "Blizzard Warning": _WINTER,
        "Blizzard Watch": _BE_READY,
        "Coastal Flood Advisory": _WATER,
        "Coastal Flood Statement": _WATER,
        "Coastal Flood Warning": _WATER,
        "Coastal Flood Watch": _BE_READY,
        "Cold Weather Advisory": _COLD,
        "Dense Fog Advisory": _FOG,
        "Dense Smoke Advisory": _AIR,
        "Dust Storm Warning": _INSIDE,
        "Excessive Heat Warning": _HEAT,
        "Excessive Heat Watch": _BE_READY,
        "Extreme Cold Warning": _COLD,
        "Extreme Cold Watch": _BE_READY,
        "Extreme Heat Warning": _HEAT,
        "Extreme Heat Watch": _BE_READY,
        "Extreme Wind Warning": _TORNADO,
        "Fire Weather Watch": _NO_FLAMES,
        "Flash Flood Warning": _FLASH_FLOOD,
        "Flash Flood Watch": _BE_READY,
        "Flood Advisory": _WATER,
        "Flood Warning": _WATER,
        "Flood Watch": _BE_READY,
        "Freeze Warning": _COLD,
        "Freeze Watch": _BE_READY,
        "Freezing Fog Advisory": _FOG,
        "Freezing Rain Advisory": _WINTER,
        "Frost Advisory": _COLD,
        "Gale Warning": _BOATS,
        "Gale Watch": _BOATS,
        "Heat Advisory": _HEAT,
        "High Surf Advisory": _SHORE,
        "High Surf Warning": _SHORE,
        "High Wind Warning": _WIND,
        "High Wind Watch": _BE_READY,
        "Hurricane Warning": _HURRICANE,
        "Hurricane Watch": _BE_READY,
        "Ice Storm Warning": _WINTER,
        "Red Flag Warning": _NO_FLAMES,
        "Rip Current Statement": _SHORE,
        "Severe Thunderstorm Warning": _INSIDE,
        "Severe Thunderstorm Watch": _BE_READY,
        "Small Craft Advisory": _BOATS,
        "Snow Squall Warning": _WINTER,
        "Special Weather Statement": "",
        "Storm Surge Warning": _SURGE,
        "Storm Surge Watch": _BE_READY,
        "Storm Warning": _BOATS,
        "Tornado Warning": _TORNADO,
        "Tornado Watch": _BE_READY,
        "Tropical Storm Warning": _HURRICANE,
        "Tropical Storm Watch": _BE_READY,
        "Tsunami Advisory": _SHORE,
        "Tsunami Warning": _TSUNAMI,
        "Tsunami Watch": _BE_READY,
        "Wind Advisory": _WIND,
        "Wind Chill Advisory": _COLD,
        "Wind Chill Warning": _COLD,
        "Wind Chill Watch": _BE_READY,
        "Winter Storm Warning": _WINTER,
        "Winter Storm Watch": _BE_READY,
        "Winter Weather Advisory": _WINTER,
        # The Emergency Alert System, beside the weather.
        "911 Telephone Outage": "",
        "Blue Alert": _LOOK_OUT,
        "Child Abduction Emergency": _LOOK_OUT,
        "Civil Danger Warning": "",
        "Civil Emergency Message": "",
        "Earthquake Warning": _SHAKING,
        "Evacuation Immediate": _EVACUATE,
        "Fire Warning": _FIRE,
        "Hazardous Materials Warning": _SHELTER,
        "Law Enforcement Warning": _KEEP_AWAY,
        "Local Area Emergency": "",
        "Missing and Endangered Person": _LOOK_OUT,
        "Nuclear Power Plant Warning": _SHELTER,
        "Radiological Hazard Warning": _SHELTER,
        "Shelter in Place Warning": _SHELTER,
        # The city's own.
        "Active Shooter": _KEEP_AWAY,
        "Aerial (Fly-Over)": "",
        "All Clear": "",
        "Boil Water Notice": _BOIL,
        "Building Collapse": _KEEP_AWAY,
        "Drills / Exercises": "",
        "Environmental": "",
        "Evacuation Order": _EVACUATE,
        "Explosion": _KEEP_AWAY,
        "Fire": _FIRE,
        "Gas Leak": _GAS,
        "Infrastructure": "",
        "Mass Transit Disruption": _DETOUR,
        "Mass Transit Restoration": "",
        "Missing Person": _LOOK_OUT,
        "Parking": "",
        "Police Activity": _KEEP_AWAY,
        "Power Outage": _POWER,
        "Public Awareness": "",
        "Public Health": "",
        "Road Closure": _DETOUR,
        "School Notification": "",
        "Siren Test": "",
        "Street Closure": _DETOUR,
        "Structural": "",
        "Structure Fire": _FIRE,
        "Utility": "",
        "Water Main Break": _DETOUR,
        "Weather": "",
    }
)
"""Name of an event → what to do about it; nothing where that is not the same each time."""

CATEGORIES: Mapping[str, str] = MappingProxyType(
    {
        "Geo": "Earthquake or landslide",
        "Met": "Weather",
        "Safety": "Public safety",
        "Security": "Police and security",
        "Rescue": "Rescue",
        "Fire": "Fire",
        "Health": "Public Health",
        "Env": "Environmental",
        "Transport": "Streets and transit",
        "Infra": "Power, gas, water supply",
        "CBRNE": "Hazardous material",
        "Other": "Notice from the city",
    }
)
"""CAP `category` → what is said of an event that has no name here."""

SEVERITIES: Mapping[str, str] = MappingProxyType(
    {
        "Extreme": "Lives are in danger",
        "Severe": "People or homes may come to harm",
        "Moderate": "May harm some, or disturbs a day",
        "Minor": "Good to know",
    }
)
"""CAP `severity` in plain words."""

URGENCIES: Mapping[str, str] = MappingProxyType(
    {
        "Immediate": "Happening now, or at any moment",
        "Expected": "Expected within the hour",
        "Future": "Expected later",
        "Past": "It has passed",
    }
)
"""CAP `urgency` in plain words."""
