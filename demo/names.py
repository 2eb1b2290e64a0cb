"""Names as an American district has them. After `=`, a name with other letters has its plain letters."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Community:
    """Families that share a language: its tag, their share in percent, their given names and their family names."""

    language: str
    tag: str
    percent: int
    given: str
    family: str


COMMUNITIES = (
    Community(
        "English",
        "en",
        37,
        "Amber, Brandon, Chloë=chloe, Darnell, Emily, Grace, Heather, Jasmine, Kevin, Latoya, Marcus, Olivia, Peter, "
        "Rebecca, Sean, Tyrone, Vanessa, Walter",
        "Anderson, Bauer, Carter, Dahl, Erickson, Fischer, Gustafson, Hansen, Jackson, Kowalczyk, Lindgren, Morris, "
        "Nelson, O'Connor=oconnor, Peterson, Reed, Sørensen=sorensen, Swanson, Thompson, Walker",
    ),
    Community(
        "Spanish",
        "es",
        20,
        "Alejandra, Beatriz, Camila, Diego, Elena, Fernando, José=jose, Lucía=lucia, María José=mariajose, "
        "Óscar=oscar, Pilar, Raúl=raul, Teresa, Ximena",
        "Aguilar, Cárdenas=cardenas, Flores, García=garcia, Jiménez=jimenez, López Ruiz=lopezruiz, Mendoza, "
        "Muñoz=munoz, Pérez=perez, Rivera, Torres, Zúñiga=zuniga",
    ),
    Community(
        "Hmong",
        "hmn",
        16,
        "Bao, Blia, Chong, Dao, Ger, Houa, Kao Nou=kaonou, Lia, Mai, Nou, Pa Nhia=panhia, Tou, Tou Ger=touger, "
        "Yer, Zoua",
        "Cha, Fang, Hang, Her, Khang, Kue, Lee, Lor, Moua, Thao, Vang, Vue, Xiong, Yang",
    ),
    Community(
        "Somali",
        "so",
        11,
        "Abdirahman, Asha, Cabdi, Deeqa, Faadumo, Hamdi, Hibaaq, Ikran, Liibaan, Maxamed, Sagal, Xaliimo, Yasmiin",
        "Abdi, Aden, Cali, Diriye, Farax, Guled, Hassan, Ismaaciil, Jaamac, Osman, Warsame, Yuusuf",
    ),
    Community(
        "Vietnamese",
        "vi",
        7,
        "Bảo=bao, Chi, Dũng=dung, Hạnh=hanh, Hùng=hung, Lan, Liên=lien, Ngọc=ngoc, Quỳnh=quynh, Thủy=thuy",
        "Bùi=bui, Đỗ=do, Hồ=ho, Huỳnh=huynh, Lê=le, Ngô=ngo, Nguyễn=nguyen, Phan, Trần=tran, Võ=vo",
    ),
    Community(
        "Arabic",
        "ar",
        5,
        "أمينة=amina, حسن=hassan, سارة=sara, عمر=omar, ليلى=layla, يوسف=yousef, Huda, Rami",
        "الأحمد=alahmad, الحسن=alhasan, خليل=khalil, سليمان=suleiman, عباس=abbas, Darwish, Haddad",
    ),
    Community(
        "Chinese",
        "zh",
        4,
        "建国=jianguo, 丽=li, 敏=min, 伟强=weiqiang, 雪梅=xuemei, 子涵=zihan, Hui, Xin",
        "刘=liu, 吴=wu, 杨=yang, 赵=zhao, 周=zhou, Chan, Wong",
    ),
)

# The beginnings of numbers that no telephone has. A large district needs more numbers than these.
AREA_CODES = ("651", "612", "763", "952", "218", "320")
LANDLINE_AREA_CODE = "507"
MAIL_DOMAINS = ("example.com", "example.org", "example.net", "inbox.example", "familymail.example", "post.example")

FAMILIES = 6_000
# The share of the families of each school, in percent.
SCHOOL_SHARES = {
    "Harrison High": 23,
    "Harrison Middle": 14,
    "Lakeview Middle": 12,
    "Oak Grove Elementary": 13,
    "Plainview Elementary": 11,
    "Prairie Elementary": 12,
    "Riverside Elementary": 11,
    "Westside Learning Center": 4,
}
SCHOOLS = tuple(SCHOOL_SHARES)


def pairs(names: str) -> list[tuple[str, str]]:
    """Return each name as it is shown, and in the letters of an e-mail address."""
    return [
        (shown, letters or shown.lower()) for shown, _, letters in (name.partition("=") for name in names.split(", "))
    ]
