"""A value for every placeholder of the alert templates."""

PLACE = {"local": "{蒲田|かまた}{小学校|しょうがっこう}", "latin": "Kamata Elementary School"}


PLACEHOLDERS = {
    "place": PLACE,
    "shelter": PLACE,
    "alternative": {"local": "{大森|おおもり}", "latin": "Omori"},
    "line": {"local": "{京急線|けいきゅうせん}", "latin": "Keikyū Line"},
    "time": "14:05",
    "start": "09:00",
    "end": "17:30",
    "date": "2026-03-01",
    "eta": "2026-03-01T14:05",
    "area": "omori",
    "intensity": "5+",
    "languages": ["ne", "vi", "ar"],
    "phone": "03-1234-5678",
}
