"""The words that `hub.alerts.grading` weighs, mildest rule first within each list. Data only.

Phrases are regular expressions on lower-case text; an English phrase starts and ends at word boundaries.
"""

from __future__ import annotations

_WARNING = (
    r"(?:alerts?|alarms?|broadcasts?|messages?|notifications?|notify|sirens?|systems?|warnings?|emergency|required|national|monthly|weekly)"
)
REHEARSED = (
    r"drills?(?! hall)",
    r"exercises?(?! (?:\w+ ){0,2}(?:care|caution|judge?ment|vigilance))",
    # Of what warns people; not one of the water, of the air or of a person.
    rf"{_WARNING}(?: \w+){{0,2}} test(?:s|ing)?",
    rf"test(?:s|ing)?(?: \w+){{0,3}} {_WARNING}",
    r"this is (?:only )?a test",
    r"practice/demo",
    r"simulat(?:ed|ion)",
    r"simulacro",
    r"prueba",
)
"""Anywhere in a headline: it is not real."""

TEST_LABEL = r"^\W*tests?\b(?! (?:positive|results?|sites?|kits?|cent(?:er|re)s?)\b)|[-–—:(\[] ?tests?\W*$"
"""A headline or an event that is marked as a test at its beginning or its end."""

ENDED = (
    r"all[- ]clear",
    r"(?:re-?)?opened",
    r"restored",
    r"restoration",
    r"resum(?:ed|ption)",
    r"lifted",
    r"cancel(?:l?ed|lation)",
    r"rescinded",
    r"expired",
    r"concluded",
    r"cancelad[oa]",
    r"levantad[oa]",
    r"reabiert[oa]",
    r"restablecid[oa]",
)
"""In a headline: it is over. Beside a danger it takes that danger away, and only that one."""

CALM = (
    r"parades?",
    r"planned",
    r"scheduled",
    r"festivals?",
    r"marathon",
    r"street fairs?",
    r"fireworks",
    r"film(?:ing)?",
    r"fly-?overs?",
    r"aircraft",
    r"helicopters?",
    r"alternate side parking",
    r"parking",
    r"road clos(?:ure|ed)s?",
    r"lane closures?",
    r"bridge closures?",
    r"traffic",
    r"(?:mass )?transit",
    r"subway",
    r"trains?",
    r"bus(?:es)?",
    r"ferry",
    r"service (?:change|disruption|suspension)s?",
    r"delays?",
    r"statement",
    r"waterbody advisory",
    r"cso advisory",
    r"spraying",
    r"larvicid(?:e|ing)",
    r"adulticid(?:e|ing)",
    r"open house",
    r"disclaimer",
    r"reminder",
    r"desfile",
    r"planificad[oa]",
    r"programad[oa]",
    r"cierre (?:de|vial)",
    r"tránsito",
    r"tráfico",
)
"""In a headline: an inconvenience, or something that was announced."""

EXTREME = (
    r"tornado warning",
    r"tornado emergency",
    r"flash flood emergency",
    r"tsunami warning",
    r"hurricane warning",
    r"extreme wind warning",
    r"storm surge warning",
    r"evacuation order",
    r"mandatory evacuation",
    r"shelter[- ]in[- ]place",
    r"active shooter",
    r"missile",
    r"radiological",
    r"nuclear (?:incident|emergency|attack)",
    r"civil danger warning",
    r"aviso de tornado",
    r"orden de evacuación",
    r"evacuación obligatoria",
)
SEVERE = (
    r"flash flood warning",
    r"coastal flood warning",
    r"flood warning",
    r"severe thunderstorm warning",
    r"tropical storm warning",
    r"blizzard warning",
    r"ice storm warning",
    r"high wind warning",
    r"excessive heat warning",
    r"extreme heat warning",
    r"hurricane watch",
    r"tornado watch",
    r"boil[- ]water",
    r"do not drink",
    r"gas leak",
    r"gas explosion",
    r"explosions?",
    r"building collapse",
    r"(?:partial|crane|structural) collapse",
    r"hazardous materials?",
    r"hazmat",
    r"carbon monoxide",
    r"chemical (?:spill|release|leak)",
    r"derailment",
    r"bomb threat",
    r"suspicious package",
    r"evacuat(?:e|ed|ion|ions)",
    r"amber alert",
    r"child abduction",
    r"(?:five|six|seven|5|6|7)[- ]alarm",
    r"travel ban",
    r"state of emergency",
    r"inundación repentina",
    r"fuga de gas",
    r"hervir el agua",
    r"evacuación",
    r"explosión",
)
"""In a headline or an event: danger to life in the place named (Extreme), or likely harm (Severe)."""

CAUTION = (r"advisory", r"watch", r"outlook", r"aviso meteorológico")
"""In a headline: the forecaster's own word for less than a warning, whatever advice the body gives."""

ORDERS = (
    r"evacuate (?:now|immediately|at once)",
    r"must evacuate",
    r"ordered to evacuate",
    r"leave (?:the area|your home|the building) (?:now|immediately)",
    r"shelter[- ]in[- ]place",
    r"seek shelter (?:now|immediately)",
    r"take shelter (?:now|immediately)",
    r"take cover",
    r"seek higher ground",
    r"move to higher ground",
    r"boil (?:your |the )?(?:tap )?water",
    r"do not drink",
    r"stay indoors",
    r"evacúe(?: de)? inmediatamente",
    r"busque refugio",
    r"hierva el agua",
    r"no beba",
)
"""In the body, when it tells people to do so: at least Severe."""

CONDITIONS = (
    r"if",
    r"unless",
    r"when",
    r"not (?:need|required)",
    r"no need",
    r"would",
    r"may",
    r"might",
    r"should (?:a|an|the|you|it|there)",
    r"drill",
    r"exercise",
    r"si",
    r"cuando",
)
"""Before such an order in its sentence: nobody is told to do it now."""

OTHER_LANGUAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "zh": {
        "Extreme": ("龍捲風警報", "龙卷风警报", "疏散令", "強制疏散", "强制疏散", "就地避難", "就地避难"),
        "Severe": ("暴洪", "山洪", "瓦斯洩漏", "煤气泄漏", "天然氣洩漏", "疏散", "爆炸"),
    },
    "ru": {
        "Extreme": ("предупреждение о торнадо", "приказ об эвакуации", "обязательная эвакуация"),
        "Severe": (
            "внезапное наводнение",
            "внезапный паводок",
            "внезапных наводнений",
            "внезапном наводнении",
            "утечка газа",
            "эвакуац",
            "взрыв",
        ),
    },
    "bn": {"Extreme": ("টর্নেডো সতর্কতা", "বাধ্যতামূলক স্থানান্তর"), "Severe": ("আকস্মিক বন্যা", "গ্যাস লিক", "বিস্ফোরণ")},
    "ht": {
        "Extreme": ("avètisman tònad", "lòd evakyasyon", "evakyasyon obligatwa"),
        "Severe": ("inondasyon toudenkou", "inondasyon sibit", "fwit gaz", "evakyasyon", "eksplozyon", "bouyi dlo"),
    },
    "ko": {"Extreme": ("토네이도 경보", "대피 명령", "강제 대피"), "Severe": ("돌발 홍수", "가스 누출", "대피", "폭발")},
    "ar": {
        "Extreme": ("تحذير من إعصار", "أمر إخلاء", "إخلاء إلزامي"),
        "Severe": ("فيضانات مفاجئة", "فيضان مفاجئ", "تسرب غاز", "تسرب الغاز", "إخلاء", "انفجار"),
    },
    "ur": {
        "Extreme": ("بگولے کی وارننگ", "انخلا کا حکم", "لازمی انخلا"),
        "Severe": ("اچانک سیلاب", "گیس کا اخراج", "گیس لیک", "انخلا", "دھماکہ"),
    },
    "fr": {
        "Extreme": ("alerte à la tornade", "alerte de tornade", "ordre d'évacuation", "évacuation obligatoire"),
        "Severe": ("crue soudaine", "crues soudaines", "inondation soudaine", "fuite de gaz", "évacuation", "explosion"),
    },
    "pl": {
        "Extreme": ("ostrzeżenie przed tornad", "ostrzeżenie o tornad", "nakaz ewakuacji", "obowiązkowa ewakuacja"),
        "Severe": ("gwałtowna powódź", "gwałtownych powodzi", "gwałtownej powodzi", "wyciek gazu", "ewakuacj", "wybuch", "eksplozj"),
    },
    "yi": {"Extreme": ("טאָרנאַדאָ וואָרענונג", "עוואַקואַציע באַפֿעל"), "Severe": ("עוואַקואַציע", "עוואקואציע", "אויפרייס")},
    "it": {
        "Extreme": ("allerta tornado", "allarme tornado", "ordine di evacuazione", "evacuazione obbligatoria"),
        "Severe": ("alluvione improvvisa", "alluvioni improvvise", "fuga di gas", "evacuazione", "esplosione"),
    },
}
"""In a headline in another language (plain substrings), so that a reader of it is not graded below an English one."""
