"""What users really say with "solved": does the rule ask again where it should, and only there?"""

from __future__ import annotations

import pytest

from kb.confirmations import contradiction

SOLVED = """
好了|好了,谢谢|已经修好了|可以看了|没有再花屏|好了,不卡了|现在很清楚|没问题了|没有问题|一切正常|网速恢复了|不掉线了|再也没断过
师傅换了线就好了|原来是线松了,接好了|以前偶尔花屏,现在好了|之前老是黑屏,换了机顶盒后正常|是水晶头坏了,重做后好了|智能卡重新插了一下就好
重启后好了|换了张智能卡,好了|修好了,还不错|很满意|服务态度好,修得快|信号满格|没有出现过马赛克|不会卡了|画面不抖了|声音正常了
孩子能上网课了|两天了都没掉线|昨天修好的,到今天一直正常|能看了,谢谢师傅|电视好了宽带也好了|不好意思,早就好了|红灯灭了|没再报错|一点都不卡
卡顿没有了|打得开了|好的,解决了|完全没毛病|修完速度又快了|没啥问题
没有马赛克了|师傅说线断了,接上就好|换了光猫好了|重新插卡就好了|再没黑过屏|目前正常|用了一天没掉线|上网不卡,看电视也清楚|没什么毛病|可以了可以了|嗯,好了|弄好了,麻烦了|断电重启后正常|原来信号不好,现在好了|是小区停电,来电就好了|早就不闪了|都好,没有问题|一次就修好了|遥控器换电池就行了|网好了,打游戏也不延迟
现在正常了|好得很|已恢复,谢谢|可以正常收看|都好了|修好了,很快|没有出问题|不再掉线了|看电视不卡|电话也通了|投影能用了|一切都好|恢复正常,感谢|修好到现在没断过|换完分支器信号很强
""".replace("\n", "|").strip("|").split("|")  # fmt: skip
DOUBTFUL = """
好了,但还是偶尔花屏|基本好了|还是不行|有时|有时候还卡|好一点了|好多了,晚上还是慢|应该好了吧|暂时好了|时好时坏|没好|没修好|没解决
还是老样子|又开始掉线了|又花屏了|电视好了,宽带还不行|好是好了,就是慢|好了,不过声音小,有杂音|只有客厅好了|除了少儿频道都好了|大部分频道能看
差不多了|先这样吧|再观察两天|比以前强一点|偶尔断一下|晚上八点以后卡|能看但不太清楚|图像好了没有声音|还有几个台没信号|断断续续
好像可以了|可以上网,打游戏延迟高|WiFi还是连不上|好了一会儿又黑屏|不稳定|勉强能用|换了盒子以后依然卡顿|师傅走了以后又不行了|还会自己重启
卡顿减轻了|看不了回放|有几个频道马赛克|不确定,家里没人看|网页打不开
换了机顶盒还有马赛克|重启也没信号|师傅来过,可是没用|好了两天,今天又没网|电视能看,回看不行|不好说|就剩一个台看不了|大体没问题,下雨会花|图像有点糊|修了跟没修一样|时灵时不灵|好了,晚上网慢|能上网,但视频老转圈|现在可以,早上不行|声音小|没有完全好|白天好,晚上不行|只好了一会|没变化|客厅可以卧室没有
好了一半|图像偶有马赛克|过一会又这样|他说修好了,我看没有|勉强吧|有几个台模糊|比前几天强些|马马虎虎|凌晨会断|等下雨再说|两个房间有一个好了|网速只有一半|隔一会卡一下|信号弱|慢得很
""".replace("\n", "|").strip("|").split("|")  # fmt: skip


def test_the_sentences_are_many_and_differ() -> None:
    assert len(set(SOLVED)) == len(SOLVED) >= 40
    assert len(set(DOUBTFUL)) == len(DOUBTFUL) >= 40


def test_precision_and_recall_over_both() -> None:
    """A miss closes what is not solved, a false alarm asks once more: none of the first, few of the second."""
    caught = [said for said in DOUBTFUL if contradiction(said)]
    alarms = [said for said in SOLVED if contradiction(said)]
    recall, precision = len(caught) / len(DOUBTFUL), len(caught) / (len(caught) + len(alarms))
    assert recall == 1.0, sorted(set(DOUBTFUL) - set(caught))
    assert precision >= 0.95, alarms


@pytest.mark.parametrize("said", ["没有再花屏", "好了,不卡了", "以前偶尔花屏,现在好了", "换了张智能卡,好了", ""])
def test_what_is_over_is_no_contradiction(said: str) -> None:
    assert contradiction(said) == ""


@pytest.mark.parametrize(
    ("said", "because"),
    [("好了，但还是偶尔花屏", "偶尔"), ("基本好了", "基本"), ("还是不行", "还是"), ("有时", "有时"), ("图像好了没有声音", "没有声音")],
)  # fmt: skip
def test_it_says_which_words(said: str, because: str) -> None:
    assert contradiction(said) in (because, "还是")
