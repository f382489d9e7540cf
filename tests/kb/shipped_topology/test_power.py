"""Does every device of the six get the power that it draws, and no supply carry too much?"""

from __future__ import annotations

from kb.topology import Link
from tests.kb.shipped_topology.drawings import COAX_OHM_PER_M, Shipped, close

AMPLIFIER_STARTS_AT = 30
LOADED = 0.8  # the share of its rating that a supply may carry


def test_every_supply_carries_what_it_claims(each: Shipped) -> None:
    for node in each.of("power_supply"):
        attrs = node.attrs
        assert set(attrs["feeds"]) == each.graph.below(node.id, power=True) and len(set(attrs["feeds"])) == len(
            attrs["feeds"]
        )
        if "rated_a" in attrs:
            assert close(attrs["load_a"], attrs["load_w"] / attrs["volt_v"]), node.id
            assert attrs["load_a"] <= LOADED * attrs["rated_a"], node.id
        else:
            assert max(attrs["load_w"], attrs.get("worst_w", 0)) <= LOADED * attrs["rated_w"], node.id
        for fed in attrs["feeds"]:
            volts = {link.attrs["volt_v"] for link in each.into(fed, "power") if "volt_v" in link.attrs}
            assert volts <= {attrs["volt_v"]}, fed


def test_every_device_that_draws_power_gets_it(each: Shipped) -> None:
    for node in each.graph.nodes.values():
        if "w" in node.attrs:
            assert node.attrs["power_src"] and each.into(node.id, "power"), node.id
            assert node.attrs["w"] > 0 or node.attrs["device"] == "供电插入器", node.id
            named = node.attrs["power_src"]
            for supply in [named] if isinstance(named, str) else named:
                assert each.graph.nodes[supply].type == "power_supply", node.id
    for link in each.graph.links:
        if link.medium == "power":
            assert "w" in each.graph.nodes[link.downstream].attrs and "load_w" in link.attrs, link.b


def test_voltage_at_the_end_of_each_cable(each: Shipped) -> None:
    def volts(node: str) -> float:
        links = [link for link in each.into(node, "power") if "len_m" in link.attrs]
        return at_the_end(links[0]) if links else 60.0

    def current(link: Link) -> float:
        cable = [link]
        if "branch_a" in link.attrs:  # devices at the same length hang on the same cable
            cable = [it for it in each.out_of(link.upstream, "power") if it.attrs.get("len_m") == link.attrs["len_m"]]
        return float(sum(it.attrs["load_w"] for it in cable)) / 60

    def at_the_end(link: Link) -> float:
        return volts(link.upstream) - current(link) * float(link.attrs["len_m"]) * COAX_OHM_PER_M

    for link in each.graph.links:
        if link.medium == "power" and "len_m" in link.attrs:
            if each.graph.nodes[link.downstream].type == "amplifier":  # power comes over the cable of the signal
                assert [link.attrs["len_m"]] == [it.attrs["len_m"] for it in each.into(link.downstream, "coax")], link.b
            assert close(link.attrs["end_v"], at_the_end(link)) and link.attrs["end_v"] > AMPLIFIER_STARTS_AT, link.b
            assert close(link.attrs.get("branch_a", current(link)), current(link)), link.b
