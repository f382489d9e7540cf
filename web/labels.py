"""What is each state, kind and figure called on a page? One table per closed set, and the filters templates use."""

from __future__ import annotations

import datetime as dt

from flask import Flask
from flask_babel import gettext
from markupsafe import Markup, escape

from indexer import Sort
from indexer.projection import FACES
from kb import clock
from kb.changes import KIND_NAMES
from kb.dictionary_lines import SECTIONS, DictionaryAction
from kb.documents import Audience, Confidence, Kind
from kb.lifecycle import (
    CHANGE_NAMES,
    CHANGE_UNMET_TEXT,
    ENTRY_NAMES,
    INCIDENT_NAMES,
    PROBLEM_NAMES,
    PROBLEM_UNMET_TEXT,
    REVISION_NAMES,
    STANDING_NAMES,
    CancelReason,
    Caused,
    ChangeOutcome,
    ContactMethod,
    Decision,
    HandoverReason,
    Origin,
    Outcome,
    Part,
    ProblemCancelReason,
    Role,
    Unmet,
    VerificationMethod,
)
from kb.priorities import IMPACT, URGENCY
from kb.topology import MEDIA
from web import languages
from web.languages import counted

_CHECKS = (
    "属性", "有效期", "设备", "模板", "拓扑", "引用", "附件", "个人信息", "易读", "片区", "错误码", "数值", "重复", "审核人",
)  # fmt: skip

LABELS: dict[str, dict[str, str]] = {
    "kind": {
        Kind.SOLUTION: "解决方案",
        Kind.CHANGE_REQUEST: "变更申请",
        Kind.TEST_PLAN: "测试方案",
        Kind.TECH_PLAN: "技术方案",
        Kind.POLICY: "制度规范",
        Kind.TOPOLOGY: "网络拓扑",
        Kind.REFERENCE: "参考资料",
    },
    "audience": {Audience.PUBLIC: "公开", Audience.STAFF: "员工", Audience.RESTRICTED: "受限"},
    "tier": {"exact": "精确", "words": "词语", "bigrams": "字面", "pinyin": "拼音"},
    "tier_means": {
        "exact": "编号、标题、错误码或型号相符",
        "words": "有您写的词或它的同义词",
        "bigrams": "词不相符，只有相连的字相同",
        "pinyin": "字不相符，只有读音相同",
    },
    "face": dict(zip(FACES, ("标题", "现象", "设备与代码", "正文", "正文开头", "报修原话", "员工部分"), strict=True)),
    "access_rule": {"state": "状态", "validity": "有效期", "audience": "受众", "group": "归口组", "role": "角色"},
    "sort": {Sort.RELEVANCE: "相关", Sort.DATE: "最新", Sort.REUSE: "解决最多"},
    "confidence": {
        Confidence.VERIFIED: "已核实",
        Confidence.SINGLE_SOURCE: "单一来源",
        Confidence.UNVERIFIED: "待本地确认",
    },
    "standing": STANDING_NAMES,
    "entry_state": ENTRY_NAMES,
    "revision_state": REVISION_NAMES,
    "incident_state": INCIDENT_NAMES,
    "role": {
        Role.SUBSCRIBER: "用户",
        Role.TECHNICIAN: "技术员",
        Role.REVIEWER: "技术负责人",
        Role.KNOWLEDGE_MANAGER: "知识管理员",
        Role.ADMINISTRATOR: "管理员",
    },
    "unit_kind": {"station": "服务站", "group": "维护组", "district": "片区", "team": "专业组"},
    "subject_type": {
        "entry": "词条",
        "revision": "修订",
        "incident": "事件",
        "problem": "问题",
        "change": "变更",
        "user": "账号",
        "unit": "组织单位",
        "category": "类目",
    },
    "part": {Part.CONTENT: "内容审核", Part.FORMAL: "形式审核"},
    "decision": {Decision.APPROVE: "通过", Decision.RETURN: "退回"},
    "origin": {Origin.WRITTEN: "本地编写", Origin.LIBRARY: "随产品提供", Origin.IMPORTED: "导入", Origin.MINOR: "小改"},
    "outcome": {Outcome.SOLVED: "已解决", Outcome.UNCLEAR: "说法矛盾，待再问", Outcome.UNSOLVED: "未解决"},
    "method": {
        VerificationMethod.SIGNED_LINK: "用户链接",
        VerificationMethod.CALL_BACK: "电话回访",
        VerificationMethod.ON_SITE: "现场确认码",
    },
    "contact_method": {ContactMethod.CALL: "电话", ContactMethod.MESSAGE: "短信或微信", ContactMethod.VISIT: "上门"},
    "handover_reason": {
        HandoverReason.DISPATCH: "派单",
        HandoverReason.SKILL: "需要专长",
        HandoverReason.ON_SITE_WORK: "需要现场处理",
        HandoverReason.NO_KNOWLEDGE: "查不到办法",
        HandoverReason.WRONG_UNIT: "不归本组",
        HandoverReason.SHIFT: "交接班",
        HandoverReason.OVERDUE: "超时升级",
    },
    "line": {"1": "一线", "2": "二线", "3": "三线"},
    "impact": {str(level): name for level, name in IMPACT.items()},
    "urgency": {str(level): name for level, name in URGENCY.items()},
    "cancel_reason": {
        CancelReason.DUPLICATE: "重复报修",
        CancelReason.FALSE_REPORT: "误报",
        CancelReason.WITHDRAWN: "用户撤回",
    },
    "unmet": {
        Unmet.NOT_VERIFIED: "用户尚未确认已解决",
        Unmet.OTHERS_NOT_VERIFIED: "并入的报修尚有报修人未确认",
        Unmet.NO_SOLUTION: "尚未关联解决方案",
        Unmet.SOLUTION_NOT_APPROVED: "解决方案尚未通过两项审核",
        Unmet.NOT_A_SOLUTION: "关联的词条不是解决方案",
    },
    "problem_state": PROBLEM_NAMES,
    "problem_unmet": {code: said.partition(" · ")[0] for code, said in PROBLEM_UNMET_TEXT.items()},
    "problem_cancel_reason": {
        ProblemCancelReason.DUPLICATE: "与另一问题重复",
        ProblemCancelReason.NO_COMMON_CAUSE: "没有共同原因",
        ProblemCancelReason.OBSOLETE: "设备或业务已停用",
    },
    "suspicion": {"district": "片区", "device": "设备", "category": "类目"},
    "change_state": CHANGE_NAMES,
    "change_kind": KIND_NAMES,
    "change_unmet": {code: said.partition(" · ")[0] for code, said in CHANGE_UNMET_TEXT.items()},
    "change_outcome": {
        ChangeOutcome.SUCCESSFUL: "成功",
        ChangeOutcome.PARTIAL: "部分成功",
        ChangeOutcome.FAILED: "失败",
        ChangeOutcome.ROLLED_BACK: "已回退",
    },
    "caused": {Caused.NONE: "没有引发事件", Caused.SOME: "引发了事件"},
    "problem_impact": {"1": "全县或多个片区", "2": "一个片区", "3": "楼栋", "4": "单户"},
    "channel": {"web": "网页", "phone": "电话", "inspection": "巡检", "monitoring": "监控"},
    "priority": {"1": "紧急", "2": "高", "3": "中", "4": "普通"},
    "captured_source": {"query": "检索用语", "incident": "事件原话"},
    "check": {name: name for name in _CHECKS},  # kb names them in Chinese
    "finding": {"pass": "通过", "fail": "不通过", "look": "请看"},
    "line_kind": {str(kind): name for kind, name in SECTIONS.items()},
    "dictionary_action": {
        DictionaryAction.ADD: "加入",
        DictionaryAction.REMOVE: "去掉",
        DictionaryAction.REPLACE: "替换工作副本",
        DictionaryAction.APPLY: "定版",
        DictionaryAction.IN_USE: "启用",
        DictionaryAction.REFUSED: "未启用",
        DictionaryAction.GOLDEN_ADD: "加金标查询",
        DictionaryAction.GOLDEN_REMOVE: "去掉金标查询",
    },
    "occasion": {"rebuild": "重建索引", "dictionary": "换词典", "schedule": "定时", "hand": "手动"},
    "node_type": {
        "headend": "前端",
        "sub_headend": "分前端",
        "optical_node": "光节点",
        "amplifier": "放大器",
        "tap": "分支器",
        "splitter": "分光分配器",
        "olt": "光线路终端",
        "onu": "光猫",
        "eoc_head": "EOC头端",
        "eoc_terminal": "EOC终端",
        "switch": "交换机",
        "router": "路由器",
        "firewall": "防火墙",
        "bras": "宽带接入服务器",
        "server": "服务器",
        "storage": "存储",
        "power_supply": "供电器",
        "building": "楼栋",
        "terminal": "终端",
        "service": "服务",
    },
    # attributes of nodes that drawings have in common; others are shown as they are written
    "attr": {
        "auth": "认证方式",
        "band_mhz": "频段 MHz",
        "dhcp": "地址分配服务器",
        "dhcp_relay": "地址分配中继到",
        "dist_db": "楼内分配损耗 dB",
        "dns": "域名解析服务器",
        "drop_db": "入户损耗 dB",
        "farthest_drop_m": "最远入户 m",
        "floor": "楼层",
        "floors": "层数",
        "fsmo": "域控角色",
        "ha": "主备方式",
        "kind": "类别",
        "layer": "层次",
        "load_pct": "负载率",
        "mer_db": "调制误差率 dB",
        "nm": "波长 nm",
        "onu_id": "光猫编号",
        "optical_switch": "光开关",
        "phy_mbps_min": "最低物理速率 Mbps",
        "poe_w": "网线供电 W",
        "ports": "端口数",
        "rpo_min": "复制间隔 分钟",
        "rx_window_dbm": "收光窗口 dBm",
        "speed": "速率",
        "status": "状况",
        "stp": "生成树",
        "tap_db": "分支损耗 dB",
        "tx_nm": "发光波长 nm",
        "up_loss_db": "上行损耗 dB",
        "use_port": "接入端口",
        "used_pon": "已用 PON 口",
        "used_rf": "已用射频口",
        "vlan_vod": "点播 VLAN",
        "vrrp": "虚拟网关",
        "wan": "外网",
        "where": "在哪里",
        "worst_w": "单路最大负载 W",
        "homes": "户数",
        "terminals": "终端台数",
        "onus": "光猫台数",
        "count": "台数",
        "units": "单元",
        "mgmt_ip": "管理地址",
        "ip": "地址",
        "vlan": "VLAN",
        "vlans": "放行的 VLAN",
        "vlan_mgmt": "管理 VLAN",
        "vlan_outer": "外层 VLAN",
        "vlan_inner": "内层 VLAN",
        "net": "网段",
        "gateway": "网关",
        "rx_dbm": "收光 dBm",
        "rx_standby_dbm": "备用收光 dBm",
        "tx_dbm": "发光 dBm",
        "path_loss_db": "光路损耗 dB",
        "insertion_db": "插入损耗 dB",
        "ratio": "分光比",
        "used_ports": "已用口",
        "spare_ports": "余口",
        "in_dbuv": "输入电平 dBμV",
        "out_dbuv": "输出电平 dBμV",
        "gain_db": "增益 dB",
        "user_dbuv": "用户口电平 dBμV",
        "eoc_loss_db": "EOC 损耗 dB",
        "feeds": "供电给",
        "power_src": "供电来自",
        "power": "供电",
        "w": "功耗 W",
        "volt_v": "电压 V",
        "load_w": "负载 W",
        "load_a": "负载 A",
        "rated_w": "额定 W",
        "rated_a": "额定 A",
        "battery": "电池",
        "mode": "方式",
        "level": "级",
        "needs": "缺一不可",
        "redundancy": "冗余",
        "replicate_to": "复制到",
        "host": "宿主",
        "site": "机房",
        "station": "服务站",
        "district": "片区",
        "owner": "归口",
        "group": "所在",
        "pon": "PON 口",
        "pon_ports": "PON 口数",
        "rf_ports": "射频口数",
        "uplink": "上联",
        "role": "角色",
        "use": "用途",
        "device": "设备",
        "note": "说明",
        "mem_gb": "内存 GB",
        "vcpu": "虚拟处理器",
        "cpu_core": "处理器核",
        "usable_tb": "可用容量 TB",
        "ip_mode": "取地址",
    },
    "medium": dict(zip(MEDIA, ("光纤", "同轴", "双绞线", "供电", "逻辑"), strict=True)),
    "facet": {
        "kind": "种类",
        "category": "类目",
        "device": "设备",
        "district": "片区",
        "audience": "受众",
        "year": "年份",
    },
    # what forms call their fields; a field that is not listed carries nothing that anybody typed
    "field": {
        "title": "标题",
        "kind": "种类",
        "category": "类目",
        "audience": "受众",
        "owner_group": "归口组",
        "valid_until": "有效期",
        "valid_from": "生效日期",
        "service": "业务",
        "network": "网络形态",
        "vendor": "厂商",
        "devices": "设备",
        "districts": "片区",
        "error_codes": "错误码",
        "covers": "覆盖现象",
        "figures": "数值",
        "related": "相关词条",
        "change": "变更号",
        "environment": "环境",
        "body": "正文",
        "note": "修订原因",
        "why_new": "为什么都不合适",
        "evidence": "依据",
        "assignee": "转给",
        "to": "代审人",
        "starts": "开始",
        "ends": "结束",
        "successor": "替代词条",
        "description": "故障现象",
        "channel": "渠道",
        "priority": "优先级",
        "district": "片区",
        "contact_name": "联系人",
        "contact_phone": "联系电话",
        "address": "地址",
        "outcome": "用户怎么说",
        "method": "怎么得知",
        "said_by": "谁确认的",
        "code": "确认码",
        "subscriber": "用户编号",
        "site": "站点",
        "node": "拓扑节点",
        "line": "支持级别",
        "person": "处理人",
        "reason": "原因或意见",
        "remark": "备注",
        "text": "备注",
        "entry": "词条",
        "username": "用户名",
        "email": "邮件地址",
        "display_name": "姓名",
        "role": "角色",
        "unit": "单位",
        "root_cause": "根本原因",
        "workaround": "临时措施",
        "incidents": "事件号",
        "problems": "问题号",
        "nodes": "设备编号",
        "window_start": "窗口开始",
        "window_end": "窗口结束",
        "implementer": "实施人",
        "test_results": "测试结果",
        "caused": "是否引发事件",
        "number": "编号",
        "key": "代号",
        "name": "名称",
        "parent": "上级",
    },
    # the verbs of the audit; what is not listed is shown as it was recorded
    "action": {
        "report": "报修",
        "take": "接单",
        "wait": "挂起",
        "resolve": "标记已解决",
        "verify_signed_link": "用户经链接确认",
        "verify_call_back": "电话回访确认",
        "verify_on_site": "用户在现场给出确认码",
        "unclear": "确认的说法矛盾，待再问",
        "renew_code": "另发现场确认码",
        "wrong_code": "现场确认码不对",
        "attempt": "联系用户未果",
        "hand_over": "移交",
        "merge": "作为重复报修并入",
        "merged_in": "并入一份重复报修",
        "parent": "改所属区域故障",
        "close": "关闭",
        "reopen": "重开",
        "cancel": "取消",
        "link": "关联解决方案",
        "relink": "更换解决方案",
        "refer": "引用为参考",
        "note": "记备注",
        "photo": "加照片",
        "rate": "用户评价",
        "create": "新建",
        "revise": "开始修订",
        "submit": "提交审核",
        "recall": "撤回",
        "discard": "放弃修订",
        "content_approve": "内容审核通过",
        "content_return": "内容审核退回",
        "formal_approve": "形式审核通过",
        "formal_return": "形式审核退回",
        "review_assigned": "分派审核",
        "review_reminded": "提醒审核",
        "review_escalated": "审核逾期升级",
        "delegate_reviews": "委托代审",
        "end_delegation": "结束代审",
        "correct": "小改发布",
        "supersede": "被新版替代",
        "publish": "重新发布",
        "publish_scheduled": "到生效日发布",
        "question": "存疑",
        "doubt_confirmed": "确认仍正确",
        "doubt_revised": "经修订解除存疑",
        "doubt_retired": "停用，存疑了结",
        "validity_reminded": "提醒将到期",
        "solution_retired": "所用词条停用",
        "solution_revised": "改等下一版方案",
        "retire": "停用",
        "restore": "恢复",
        "expire": "到期",
        "import": "导入",
        "capture": "事件带来匹配词",
        "withdraw_captured": "撤回匹配词",
        "remove_captured": "去掉匹配词",
        "set_email": "修改邮件地址",
        "check_in_library": "随产品检入",
        "check_in_imported": "导入检入",
        "begin": "建立",
        "investigate": "调查",
        "write_down": "记录原因与措施",
        "know": "列为已知错误",
        "add_incident": "归入事件",
        "remove_incident": "移出事件",
        "offer": "关联到事件",
        "rename_plans": "改用文件的新版本",
        "submit_change": "提交审批",
        "take_back": "收回",
        "approve_change": "批准",
        "reject_change": "否决",
        "schedule": "排期",
        "start": "开始实施",
        "finish": "实施完成",
        "roll_back": "回退",
        "record_results": "记录结果",
        "review_change": "评审结果",
        "tie": "关联",
        "change": "改账号",
        "set_password": "重设密码",
        "rename": "改名",
        "move": "改上级",
    },
}

_TONE = {
    "published": "good", "approved": "good", "closed": "good", "verified": "good", "pass": "good", "approve": "good",
    "solved": "good", "assigned": "busy", "unclear": "wait", "in_review": "wait", "submitted": "wait", "resolved": "wait", "pending": "wait", "look": "wait",
    "unverified": "wait", "expired": "wait", "single_source": "wait", "in_progress": "busy", "reopened": "bad",
    "returned": "bad", "retired": "bad", "fail": "bad", "return": "bad", "unsolved": "bad", "restricted": "bad",
    "new": "busy", "investigating": "busy", "implementing": "busy", "known_error": "wait", "scheduled": "wait",
    "implemented": "wait", "reviewed": "good", "rolled_back": "bad", "rejected": "bad",
    "validated": "good", "not_validated": "wait", "wip": "plain", "questioned": "bad", "archived": "bad",
}  # fmt: skip


def label(value: object, of: str) -> str:
    """The name of a value of a closed set, or the value itself when the set does not have it."""
    name = LABELS[of].get(str(value))
    return str(value) if name is None else gettext(name)


def names(of: str) -> list[tuple[str, str]]:
    """A closed set as the options of a choice: (value, name)."""
    return [(value, gettext(name)) for value, name in LABELS[of].items()]


def tone(value: object) -> str:
    """Which colour goes with a state? The text beside it says the same."""
    return _TONE.get(str(value), "plain")


def local_time(moment: dt.datetime | None) -> str:
    """A moment as the clock on the wall shows it."""
    return "" if moment is None else languages.moment(moment)


def ago(moment: dt.datetime | None) -> Markup:
    """How long ago, with the exact time on hover; after a week the date says more."""
    if moment is None:
        return Markup("")
    # nothing in it that anybody typed, so there is nothing to escape
    exact = moment.isoformat(timespec="seconds")
    return Markup(f'<time datetime="{exact}" title="{local_time(moment)}">{_since(moment)}</time>')


def _since(moment: dt.datetime) -> str:
    minutes = int((clock.now() - moment).total_seconds() // 60)
    if minutes < 1:
        return gettext("刚刚")
    if minutes < 60:
        return counted("%(num)s 分钟前", minutes)
    if minutes < 24 * 60:
        return counted("%(num)s 小时前", minutes // 60)
    if minutes < 7 * 24 * 60:
        return counted("%(num)s 天前", minutes // (24 * 60))
    return languages.day(moment)


def short_day(moment: dt.datetime | None) -> str:
    """The day of a moment where there is little room."""
    return "" if moment is None else languages.short_day(moment)


def masked_phone(phone: str) -> str:
    """A phone number that its owner recognises and nobody else can call: 138****1234."""
    digits = phone.strip()
    if len(digits) < 7:
        return "*" * len(digits)
    return f"{digits[:3]}****{digits[-4:]}"


def badge(value: object, of: str) -> Markup:
    """A state as a small coloured word."""
    return Markup('<span class="badge {}">{}</span>').format(tone(value), escape(label(value, of)))


def init_app(app: Flask) -> None:
    """Give the templates their words."""
    for function in (label, badge, ago, local_time, short_day, masked_phone, tone):
        app.add_template_filter(languages.spoken(function), function.__name__)
    app.jinja_env.globals.update(LABELS=LABELS, names=names)
