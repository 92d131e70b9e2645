"""moment.js's format. The judge is moment 2.30.1 with moment-timezone 0.6.2, whose answers are recorded here."""

from datetime import UTC, datetime

import pytest

from pipeline.errors import UsageError
from pipeline.tags.moment import moment

# Every token of its documentation, and what is not a token, for one moment in Kolkata.
WHEN = datetime(2024, 12, 29, 20, 45, 7, 89_000, tzinfo=UTC)
ANSWERS = {
    "M": "12",
    "Mo": "12th",
    "MM": "12",
    "MMM": "Dec",
    "MMMM": "December",
    "Q": "4",
    "Qo": "4th",
    "D": "30",
    "Do": "30th",
    "DD": "30",
    "DDD": "365",
    "DDDo": "365th",
    "DDDD": "365",
    "d": "1",
    "do": "1st",
    "dd": "Mo",
    "ddd": "Mon",
    "dddd": "Monday",
    "e": "1",
    "E": "1",
    "w": "1",
    "wo": "1st",
    "ww": "01",
    "W": "1",
    "Wo": "1st",
    "WW": "01",
    "YY": "24",
    "YYYY": "2024",
    "YYYYY": "02024",
    "YYYYYY": "+002024",
    "Y": "2024",
    "YYY": "242024",
    "y": "2024",
    "yo": "2024th",
    "yy": "2024",
    "yyy": "2024",
    "yyyy": "2024",
    "N": "AD",
    "NN": "AD",
    "NNN": "AD",
    "NNNN": "Anno Domini",
    "NNNNN": "AD",
    "gg": "25",
    "gggg": "2025",
    "ggggg": "02025",
    "GG": "25",
    "GGGG": "2025",
    "GGGGG": "02025",
    "A": "AM",
    "a": "am",
    "H": "2",
    "HH": "02",
    "h": "2",
    "hh": "02",
    "k": "2",
    "kk": "02",
    "hmm": "215",
    "hmmss": "21507",
    "Hmm": "215",
    "Hmmss": "21507",
    "m": "15",
    "mm": "15",
    "s": "7",
    "ss": "07",
    "S": "0",
    "SS": "08",
    "SSS": "089",
    "SSSS": "0890",
    "SSSSS": "08900",
    "SSSSSS": "089000",
    "SSSSSSS": "0890000",
    "SSSSSSSS": "08900000",
    "SSSSSSSSS": "089000000",
    "z": "IST",
    "zz": "IST",
    "Z": "+05:30",
    "ZZ": "+0530",
    "X": "1735505107",
    "x": "1735505107089",
    "L": "12/30/2024",
    "LL": "December 30, 2024",
    "LLL": "December 30, 2024 2:15 AM",
    "LLLL": "Monday, December 30, 2024 2:15 AM",
    "l": "12/30/2024",
    "ll": "Dec 30, 2024",
    "lll": "Dec 30, 2024 2:15 AM",
    "llll": "Mon, Dec 30, 2024 2:15 AM",
    "LT": "2:15 AM",
    "LTS": "2:15:07 AM",
    "": "2024-12-30T02:15:07+05:30",
    "[YYYY]": "YYYY",
    "[a]b]": "a]b",
    "\\YYYY": "YYYY",
    "[]": "",
    "[": "[",
    "YYYY-MM-DDTHH:mm:ss.SSSZ": "2024-12-30T02:15:07.089+05:30",
    "YYYYMMDDHHmmss": "20241230021507",
    "gV": "gV",
    "ddddd": "Monday1",
    "MMMMM": "December12",
    "[L]L\\L": "L12/30/2024L",
    "on the Do [of] MMMM": "on t21 30th of December",
}
# Where weeks, years and zones meet.
EDGES = [
    ("2021-01-01T00:00:00Z", "UTC", "2021-01 2020-53 001 5 5 5 1st 12 24 AM +00:00 UTC"),
    ("2021-01-03T12:00:00Z", "UTC", "2021-02 2020-53 003 0 0 7 3rd 12 12 PM +00:00 UTC"),
    ("2020-12-31T23:59:59Z", "America/New_York", "2021-01 2020-53 366 4 4 4 31st 6 18 PM -05:00 EST"),
    ("2023-01-01T00:30:00Z", "europe/london", "2023-01 2022-52 001 0 0 7 1st 12 24 AM +00:00 GMT"),
    ("2012-11-12T00:00:00Z", "Etc/GMT+5", "2012-46 2012-45 316 0 0 7 11th 7 19 PM -05:00 -05"),
    ("2024-03-31T01:30:00Z", "Europe_Berlin", "2024-14 2024-13 091 0 0 7 31st 3 3 AM +02:00 CEST"),
    ("2011-12-11T13:13:13Z", "America/St_Johns", "2011-51 2011-49 345 0 0 7 11th 9 9 AM -03:30 NST"),
    ("2022-01-22T12:00:00Z", "UTC", "2022-04 2022-03 022 6 6 6 22nd 12 12 PM +00:00 UTC"),
]


@pytest.mark.parametrize(("pattern", "expected"), ANSWERS.items())
def test_tokens(pattern, expected):
    assert moment(WHEN, pattern, "Asia/Kolkata") == expected


@pytest.mark.parametrize(("when", "zone", "expected"), EDGES)
def test_weeks_and_zones(when, zone, expected):
    assert moment(datetime.fromisoformat(when), "gggg-ww GGGG-WW DDDD d e E Do h k A Z z", zone) == expected


@pytest.mark.parametrize("zone", ["", "+02:00", "Mars/Base", "../etc/passwd", "CEST"])
def test_a_zone_that_there_is_not_is_told(zone):
    with pytest.raises(UsageError, match="there is no time zone"):
        moment(WHEN, "HH", zone)
