"""English habits that make source strings hard to understand and to translate; `check_catalogues` refuses them."""

import re

import polib

# What a native speaker would not say, and what to write instead.
HABITS = {
    r"\bonce more\b": "again",
    r"\banew\b": "again",
    r"\bmeanwhile\b": "since; or leave it out",
    r"\bany ?more[.,;:]": "no longer",
    r"\balready\.$": "already, before the verb",
    r"\b(I|you|we|they) (need|are|are in) no (?!longer\b)": "not",
    r"\bneeds no\b": "does not need",
    r"\bneed not\b": "do not need to",
    r"\bPlease (write|type|tick)\b": "Enter, Choose",
    r"\b(am|is|are|was|were|been|being) told\b": "notified, informed, shared",
    r"\b(Who|What|Which)ever\b": "anyone who, whatever; or name the person",
    r"\b(some|every)body\b": "someone, everyone; or name the person",
    r"\bwhom\b": "who",
    r"\bat once\b": "immediately",
    r"\b(speak|talk) with\b": "speak to",
    r"\b(have|has|had) got\b": "have, received",
    r"\bin vain\b": "kept waiting",
    r"\b(take|takes|took|taken) over\b": "import",
    r"\b(stands?|stood) (still|there|on|above)\b": "is, appears, cannot be changed",
    r"\bin trouble\b": "failed, problems",
    r"\b(reply|answer|register) until\b": "by",
    r"\be-mails?\b": "email",
    r"\btelephone\b": "phone",
    r"\b(this|that) is no \w+": "is not a …",
    r"\bby which\b|\bwith which\b|\bfor which\b": "a shorter sentence",
}
# Strings that may have one of these habits, and the reason.
EXCEPTIONS = {
    "Only an adviser can take over a consultation.": "A colleague takes it over; nothing is imported.",
    "Only members of a restricted case can take over its consultations.": "A colleague takes them over.",
}
_PATTERNS = {re.compile(pattern, re.IGNORECASE): advice for pattern, advice in HABITS.items()}


def find_habits(entry: polib.POEntry) -> list[str]:
    """Return advice for each habit in the English text of a catalogue entry: its translation if it has one."""
    if entry.msgid in EXCEPTIONS:
        return []
    translations = [text for text in (entry.msgstr, *entry.msgstr_plural.values()) if text]
    texts = translations or [entry.msgid, entry.msgid_plural]
    return [
        f"not plain English ({match[0]}; better: {advice})"
        for pattern, advice in _PATTERNS.items()
        for match in [next(filter(None, map(pattern.search, texts)), None)]
        if match
    ]
