"""Which sections do a change's three documents begin with, and which of them may not be left empty?

The sections follow those of the shipped changes (`content/changes`). A line that begins with 待填 asks its author for
something; what is asked in a needed section must be answered before the request goes to approval.
"""

from __future__ import annotations

from kb.documents import Kind, sections

TO_FILL = "待填："

# Nobody can judge a change that does not say whom it touches, how each step is seen to have worked, and the way back.
NEEDED: dict[Kind, tuple[str, ...]] = {
    Kind.CHANGE_REQUEST: ("影响分析", "实施步骤", "回退方案"),
    Kind.TEST_PLAN: ("用例",),
    Kind.TECH_PLAN: ("详细设计", "割接与回退"),
}
NAMES: dict[Kind, str] = {Kind.CHANGE_REQUEST: "变更申请", Kind.TEST_PLAN: "测试方案", Kind.TECH_PLAN: "技术方案"}

_SECTIONS: dict[Kind, tuple[tuple[str, str], ...]] = {
    Kind.CHANGE_REQUEST: (
        ("基本信息", "| 项 | 内容 |\n|---|---|\n| 变更号 | {number} |\n| 标题 | {title} |\n| 类别 | {kind} |\n"
                  "| 涉及设备 | {nodes} |\n| 关联问题与事件 | {related} |"),
        ("原因与收益", "{description}"),
        ("变更内容", "待填：逐项写配置项、现状值、目标值；写明设备编号、端口、VLAN。"),
        ("影响分析", "待填：影响哪些业务、多少用户、中断多久、依赖哪些系统；不做会怎样。"),
        ("风险与缓解", "待填：风险、可能性、影响、缓解措施。"),
        ("实施窗口", "待填：起止时间，是否避开封网期。窗口以变更记录所定为准。"),
        ("实施步骤", "待填：编号、操作人、预计时长、每步的验证点。"),
        ("测试与验证", "见测试方案。待填：验收限值。"),
        ("回退方案", "待填：触发条件、谁决定、决策时刻、步骤、完成时限、回退后怎样验证。"),
        ("通知与公告", "待填：受影响用户、客服话术、值守。"),
        ("资源与人员", "待填：分工、备件、仪表。"),
    ),
    Kind.TEST_PLAN: (
        ("目的与范围", "验证 {number}「{title}」达到预期，且没有损坏别的业务。待填：纳入与不纳入。"),
        ("被测对象", "{nodes}。待填：型号与版本。"),
        ("测试环境与仪表", "待填：拓扑、账号、场强仪、光功率计、OTDR、测速。"),
        ("用例", "| 编号 | 前置 | 步骤 | 预期 | 实测 | 结论 |\n|---|---|---|---|---|---|\n\n待填：逐条用例，预期写限值与单位。"),
        ("准入与准出", "待填：什么时候开始测，达到什么算通过。"),
        ("缺陷等级", "致命、严重、一般、轻微。待填：各级怎样处理，哪一级即回退。"),
        ("职责与进度", "待填：谁测，谁记录，什么时候。"),
    ),
    Kind.TECH_PLAN: (
        ("背景与需求", "{description}"),
        ("现状", "涉及设备：{nodes}。待填：拓扑、指标、问题。"),
        ("目标与指标", "待填：改后达到的指标与验收限值。"),
        ("详细设计", "待填：地址、VLAN、光路与电平预算、供电、容量。"),
        ("设备与材料", "待填：型号、数量、配置文件。"),
        ("实施计划", "待填：准备、实施、收尾，各步的负责人。"),
        ("割接与回退", "待填：割接顺序、决策时刻、回退步骤与时限。"),
        ("风险与应急", "待填：守局、备件、投诉处理。"),
        ("运维与知识交付", "待填：要更新的拓扑、配置与词条。"),
    ),
}  # fmt: skip


def template(kind: Kind, values: dict[str, str]) -> str:
    """The document of this kind before its author has written; `values` are the facts that the change knows."""
    parts = [f"## {at} {name}\n\n{text.format_map(values)}" for at, (name, text) in enumerate(_SECTIONS[kind], 1)]
    return "\n\n".join(parts) + "\n"


def unfilled(kind: Kind, body: str) -> list[str]:
    """Which needed sections are missing, empty, or still ask for something?"""
    said = {section.title: section.text for section in sections(body)}
    return [name for name in NEEDED[kind] if not any(name in title and _answered(text) for title, text in said.items())]


def _answered(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("|")]
    rows = [line for line in text.splitlines() if line.lstrip().startswith("|")][2:]  # below the head of a table
    return TO_FILL not in text and bool(lines or rows)
