"""Results as JUnit XML, as CI servers read it."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from gateway.replay.drive import Result


def write(results: Sequence[Result], *, suite: str) -> bytes:
    """One testsuite named `suite`, a testcase a result; problems become a failure."""
    root = etree.Element(
        "testsuite",
        name=suite,
        tests=str(len(results)),
        failures=str(sum(bool(result.problems) for result in results)),
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        case = etree.SubElement(root, "testcase", classname=suite, name=result.case.name, time=f"{result.seconds:.3f}")
        if result.problems:
            etree.SubElement(case, "failure", message=result.problems[0]).text = "\n".join(result.problems)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))
