"""Does what a user says of a repair contradict the "solved" that goes with it?

「好了,但还是偶尔花屏」 is no confirmation. The rule is words and patterns, read clause by clause:

1. What was before the repair (以前…, 原来…) and what the cause was (是接头松了) says nothing of now and is left out, as
   are the symptoms that somebody says are gone (没有再花屏, 不卡了) and words that only look like one (智能卡).
2. What remains contradicts if it has a word of doubt (偶尔, 基本, 还是, 又…了, 应该), or any symptom at all.

A person who has read the question may confirm again; both answers are kept. So a false alarm costs one more question,
a miss closes an incident that is not solved: the rule asks when in doubt.
"""

from __future__ import annotations

import re
import unicodedata

_SYMPTOM = (
    "花屏|花了|花的|马赛克|黑屏|蓝屏|雪花|白屏|卡顿|卡住|卡|断线|断网|断|掉线|掉|慢|闪退|闪|抖|模糊|不清|糊|噪音|杂音|滋滋|"
    "没有?(?:信号|图像|声音|画面|网|反应|电|节目|台)|无(?:信号|图像|声音|网)|报错|错误|不能|不了|不出|不到|不亮|不动|不上|不开|"
    "打不|连不|上不去|进不去|看不|收不|死机|重启|丢包|延迟|红灯|不稳|不好|不太|不够|异常|故障|毛病|问题|失灵|坏"
)
# Whatever is said after these words is over, or is the cause that was found.
_PAST = re.compile(r"^(?:以前|之前|先前|原先|原来|本来|修之前|换之前|当时|一开始|刚开始)(?!.*(?:还是|仍|依然))")
_CAUSE = re.compile(
    r"(?<!还)(?<!就)(?<!总)(?<!老)(?<!只)是.{0,10}(?:松|断|坏|老化|没插|插错|氧化|进水|受潮|问题|原因|故障|接触不良|欠费)|^原来"
    r"|^(?:把|给|重启|换|断电|拔|重新|师傅说).*(?:好|正常|行了|可以)|^师傅说"
)
_FINE_PARTS = re.compile(
    r"红灯(?:已经)?灭|智能卡|机顶盒卡|IC卡|换卡|插卡|卡片|卡槽|[张块]卡|重启(?:了|一下|后|过|完)?(?:一次)?就?好|没(?:有)?(?:什么|啥|任何)?(?:大)?(?:问题|毛病|事)"
    r"|不用.*|不好意思|不客气|差不多.{0,4}(?:分钟|小时|点)|又(?:快|好|清楚|稳)|(?:还|很)?(?:不错|不差)|还(?:可以|挺好|行)|没话说|没?麻烦.*|慢走|辛苦.*"
)
_GONE = re.compile(
    rf"(?:再也|再|就|都|从)?没(?:再)?[黑花卡断掉闪]过屏?|(?:一直|再也|再|都|也|完全|一点(?:也|都)?|现在)*(?:没有?|不|未|无)(?:再|会|见|出现|发生|有|犯|出)*(?:过)?(?:{_SYMPTOM})(?:过|了)?"
    rf"|(?:{_SYMPTOM})(?:的)?(?:问题|现象|情况)?(?:也|都|就)?(?:没有?了|没了|消失了?|解决了?|不见了)"
)
_LACKS = re.compile(
    r"没有?(?:信号|图像|声音|画面|网|反应|电|节目|台)(?!了?问题)|无(?:信号|图像|声音|网)|[看上连打用收开进].?不[了到上开去出]"
)
_DOUBT = re.compile(
    r"偶尔|有时|时不时|隔三差五|间歇|断断续续|时好时坏|一阵一阵|基本|大部分|大体|大致|差不多|勉强|凑合|将就|暂时|好像|似乎|貌似|可能"
    r"|应该|算是|估计|好一?点|好一?些|强一?[点些]|好多了|改善|缓解|减轻|一半|部分|还是|仍|依然|依旧|照样|还(?:会|有|没|不|要|得|在|差|缺)"
    r"|又(?:开始|出现|不|没|坏|花|卡|断|掉|黑|闪|这样|来)|没修?好|没(?:有)?解决|没弄好|未解决|不行|不灵|老样子|只有|只能|只是|除了"
    r"|观察|再看看|先这样|时灵|马虎|再说|弱|个好|只|老(?!师|人|家|婆|公)|小(?!区|孩|时|哥|师|张|王|李)|[不没未]"
)  # fmt: skip
_CLAUSE = re.compile(r"[，,。.；;！!？?、\s]+|但是|但|不过|可是|就是|然后|而且|现在")


def contradiction(said: str) -> str:
    """The words that contradict a confirmation, "" if none do."""
    text = unicodedata.normalize("NFKC", said)
    for clause in _CLAUSE.split(text):
        found = _in_clause(clause)
        if found:
            return found
    return ""


def _in_clause(clause: str) -> str:
    lacking = _LACKS.search(clause)
    if _PAST.search(clause) or (_CAUSE.search(clause) and not _DOUBT.search(clause)):
        return ""
    if lacking and not re.search(r"没有?出现|没再|不会|以前|不再", clause):
        return lacking.group()
    rest = _GONE.sub("", _FINE_PARTS.sub("", clause))
    found = _DOUBT.search(rest) or re.search(_SYMPTOM, rest)
    return found.group() if found else ""
