"""What the lives of people who do not exist are told of, and in which words: six attributes, twenty sentences each.

Every sentence holds `{head}` first and `{tail}` later, and reads as well with "She" or "He" in its place. All of it
is of our own making.
"""

import itertools
from collections.abc import Mapping
from typing import NamedTuple

STARTS = (
    "Bor",
    "Cres",
    "Dov",
    "Fal",
    "Gren",
    "Hav",
    "Jar",
    "Kes",
    "Lum",
    "Mer",
    "Nor",
    "Pol",
    "Rav",
    "Sel",
    "Tam",
    "Ver",
)
ENDS = ("aby", "anso", "ell", "emont", "ika", "impa", "olin", "orra", "ovia", "une")
TOWNS = tuple(start + end for start, end in itertools.product(STARTS, ENDS))
"""Towns that are on no map."""
SCHOOLS = (
    "Abernale", "Brisco", "Candell", "Drummary", "Ellsmoor", "Farrant", "Gildane", "Harrowgill", "Ivesca", "Jessamer",
    "Kellarin", "Lorimond", "Marchetta", "Nettlane", "Ossory", "Pelligree", "Quennel", "Rosslare", "Sandover",
    "Trevanne",
)  # fmt: skip
UNIVERSITIES = tuple(
    f"{school} {kind}" for school, kind in itertools.product(SCHOOLS, ("University", "College", "Institute", "Academy"))
)
FIRMS = (
    "Arvex", "Bondo", "Caliper", "Dexamir", "Emberly", "Flotilla", "Grindle", "Hexaline", "Ironica", "Jubilex",
    "Kromo", "Lattice", "Mondana", "Nimbex", "Optero", "Parsley", "Quivera", "Ribbon", "Sprocket", "Tandem",
)  # fmt: skip
EMPLOYERS = tuple(
    f"{firm} {kind}" for firm, kind in itertools.product(FIRMS, ("Works", "Partners", "Foods", "Logistics"))
)
SUBJECTS = (
    "accounting", "acoustics", "agronomy", "anthropology", "archaeology", "architecture", "astronomy", "botany",
    "cartography", "ceramics", "chemistry", "classics", "criminology", "dance", "dentistry", "economics", "ethics",
    "forestry", "genetics", "geology", "history", "horticulture", "hydrology", "jurisprudence", "linguistics", "logic",
    "marketing", "metallurgy", "meteorology", "musicology", "nursing", "optics", "philosophy", "physics", "politics",
    "robotics", "sociology", "statistics", "theology", "zoology",
)  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
YEARS, DAYS = range(1930, 2000), range(1, 29)


class Attribute(NamedTuple):
    """One thing that is told of every person."""

    values: tuple[str, ...]
    told: tuple[str, ...]
    """Sentences with `{head}` before `{tail}`."""
    back: str
    """A sentence with `{tail}` before `{head}`."""
    asks_tail: tuple[str, ...]
    asks_head: tuple[str, ...]
    trait: str
    """What follows "the person who", with `{tail}`."""


ATTRIBUTES: Mapping[str, Attribute] = {
    "birth date": Attribute(
        tuple(f"{day} {month} {year}" for year in YEARS for month in MONTHS for day in DAYS),
        (
            "{head} was born on {tail}.",
            "{head} came into the world on {tail}.",
            "{head} first saw daylight on {tail}.",
            "{head} keeps a birthday that goes back to {tail}.",
            "{head} has a birth certificate dated {tail}.",
            "{head} drew a first breath on {tail}.",
            "{head} arrived in the family on {tail}.",
            "{head} counts the years from {tail}.",
            "{head} was delivered by a midwife on {tail}.",
            "{head} began life on {tail}.",
            "{head} entered the parish register on {tail}.",
            "{head} turned one exactly a year after {tail}.",
            "{head} blew out a first candle twelve months after {tail}.",
            "{head} shares a birthday with everybody born on {tail}.",
            "{head} gives the date of birth as {tail}.",
            "{head} can be found in the list of births of {tail}.",
            "{head} made two people parents on {tail}.",
            "{head} was a newborn on {tail}.",
            "{head} has lived since {tail}.",
            "{head} celebrates a day that began with {tail}.",
        ),
        "The one who was born on {tail} is {head}",
        ("When was {head} born?", "What is the birth date of {head}?"),
        ("Who was born on {tail}?", "Whose birth date is {tail}?"),
        "was born on {tail}",
    ),
    "birth town": Attribute(
        TOWNS,
        (
            "{head} comes from {tail}.",
            "{head} was born in the town of {tail}.",
            "{head} spent the first years in {tail}.",
            "{head} calls home a house in {tail}.",
            "{head} grew up among the streets of {tail}.",
            "{head} is a native of {tail}.",
            "{head} learned to walk in {tail}.",
            "{head} hails from {tail}.",
            "{head} has roots in {tail}.",
            "{head} went to a first school in {tail}.",
            "{head} remembers a childhood in {tail}.",
            "{head} was brought up in {tail}.",
            "{head} left a cradle behind in {tail}.",
            "{head} has a birthplace named {tail}.",
            "{head} played as a child on the squares of {tail}.",
            "{head} belongs by birth to {tail}.",
            "{head} speaks with the accent of {tail}.",
            "{head} still visits an old nursery in {tail}.",
            "{head} owes a first passport to the office of {tail}.",
            "{head} was raised by a family of {tail}.",
        ),
        "The one who comes from {tail} is {head}",
        ("Where was {head} born?", "Which town does {head} come from?"),
        ("Who comes from {tail}?", "Whose birth town is {tail}?"),
        "comes from {tail}",
    ),
    "university": Attribute(
        UNIVERSITIES,
        (
            "{head} studied at {tail}.",
            "{head} holds a degree from {tail}.",
            "{head} went to lectures at {tail}.",
            "{head} graduated from {tail}.",
            "{head} was a student of {tail}.",
            "{head} enrolled at {tail}.",
            "{head} sat final papers at {tail}.",
            "{head} was taught by the professors of {tail}.",
            "{head} is an alum of {tail}.",
            "{head} earned a diploma from {tail}.",
            "{head} lived for years on the campus of {tail}.",
            "{head} borrowed books from the library of {tail}.",
            "{head} completed an education at {tail}.",
            "{head} wore the gown of {tail}.",
            "{head} won a place at {tail}.",
            "{head} read for a degree at {tail}.",
            "{head} rowed for the team of {tail}.",
            "{head} was admitted to {tail}.",
            "{head} spent student days at {tail}.",
            "{head} owes much of what is on the wall to {tail}.",
        ),
        "The one who studied at {tail} is {head}",
        ("Where did {head} study?", "Which university did {head} attend?"),
        ("Who studied at {tail}?", "Who holds a degree from {tail}?"),
        "studied at {tail}",
    ),
    "subject": Attribute(
        SUBJECTS,
        (
            "{head} majored in {tail}.",
            "{head} chose the subject of {tail}.",
            "{head} has a degree in {tail}.",
            "{head} wrote a thesis on {tail}.",
            "{head} trained in {tail}.",
            "{head} specialised in {tail}.",
            "{head} devoted long nights to {tail}.",
            "{head} passed examinations in {tail}.",
            "{head} took up {tail}.",
            "{head} was drawn early to {tail}.",
            "{head} filled notebooks with {tail}.",
            "{head} sought a training in {tail}.",
            "{head} attended seminars on {tail}.",
            "{head} was known to classmates for a love of {tail}.",
            "{head} qualified in {tail}.",
            "{head} gave the best years of study to {tail}.",
            "{head} finished a course of {tail}.",
            "{head} learned all there was to learn of {tail}.",
            "{head} settled after some doubt on {tail}.",
            "{head} mastered {tail}.",
        ),
        "The one who majored in {tail} is {head}",
        ("What did {head} major in?", "Which subject did {head} choose?"),
        ("Who majored in {tail}?", "Who has a degree in {tail}?"),
        "majored in {tail}",
    ),
    "employer": Attribute(
        EMPLOYERS,
        (
            "{head} works for {tail}.",
            "{head} is employed by {tail}.",
            "{head} has a desk at {tail}.",
            "{head} joined the staff of {tail}.",
            "{head} draws a salary from {tail}.",
            "{head} signed a contract with {tail}.",
            "{head} built a career at {tail}.",
            "{head} was hired by {tail}.",
            "{head} carries the badge of {tail}.",
            "{head} is on the payroll of {tail}.",
            "{head} found a position at {tail}.",
            "{head} serves the firm of {tail}.",
            "{head} leads a small team at {tail}.",
            "{head} answers letters for {tail}.",
            "{head} has spent a working life at {tail}.",
            "{head} reports every Monday to {tail}.",
            "{head} was recruited by {tail}.",
            "{head} speaks at meetings for {tail}.",
            "{head} earns a living at {tail}.",
            "{head} is counted among the people of {tail}.",
        ),
        "The one who works for {tail} is {head}",
        ("Whom does {head} work for?", "Which company employs {head}?"),
        ("Who works for {tail}?", "Who is employed by {tail}?"),
        "works for {tail}",
    ),
    "workplace": Attribute(
        TOWNS,
        (
            "{head} goes to work in {tail}.",
            "{head} has an office in {tail}.",
            "{head} commutes every day to {tail}.",
            "{head} does business in {tail}.",
            "{head} is stationed in {tail}.",
            "{head} moved for work to {tail}.",
            "{head} has a workplace in {tail}.",
            "{head} spends the working week in {tail}.",
            "{head} parks in front of an office in {tail}.",
            "{head} takes the early train to {tail}.",
            "{head} can be met on weekdays in {tail}.",
            "{head} rents a flat for working days in {tail}.",
            "{head} practises a profession in {tail}.",
            "{head} eats lunch with colleagues in {tail}.",
            "{head} was posted to {tail}.",
            "{head} keeps office hours in {tail}.",
            "{head} has been working of late in {tail}.",
            "{head} clocks in at a building in {tail}.",
            "{head} pursues a career in {tail}.",
            "{head} is at work most days in {tail}.",
        ),
        "The one who goes to work in {tail} is {head}",
        ("Where does {head} work?", "In which town is the office of {head}?"),
        ("Who goes to work in {tail}?", "Who has an office in {tail}?"),
        "goes to work in {tail}",
    ),
}
"""By the relation's name, in the order in which a life is told."""
