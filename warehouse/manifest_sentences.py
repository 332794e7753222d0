"""What is wrong with a manifest's row and what to do about it, by code, in English and Korean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from warehouse.sentences import Sentence

if TYPE_CHECKING:
    from warehouse.errors import ManifestError

REFUSALS: Final[dict[str, Sentence]] = {
    "empty": Sentence(
        "A value that every row needs is missing.",
        "모든 행에 필요한 값이 비어 있습니다.",
        "Fill it in in every row; merged cells count in their first row only.",
        "행마다 값을 채워 주십시오. 병합된 셀은 첫 행에만 값이 있습니다.",
    ),
    "firm_code": Sentence(
        "This cannot be a firm's code.",
        "회사 코드로 쓸 수 없는 값입니다.",
        "Use letters, digits, '.', '_' and '-', at most 40.",
        "글자, 숫자, '.', '_', '-'만 40자 이내로 써 주십시오.",
    ),
    "text": Sentence(
        "The text holds a character that cannot be seen, or is too long.",
        "보이지 않는 문자가 들어 있거나 너무 긴 글입니다.",
        "Type it again instead of pasting it.",
        "붙여 넣지 말고 직접 다시 입력해 주십시오.",
    ),
    "number": Sentence(
        "This is not a number.",
        "숫자가 아닙니다.",
        "Write the number alone, without its unit; '-' says that there is none.",
        "단위 없이 숫자만 써 주십시오. 값이 없으면 '-'를 써 주십시오.",
    ),
    "comma": Sentence(
        "The comma may separate thousands or decimals.",
        "쉼표가 천 단위 구분인지 소수점인지 알 수 없습니다.",
        "Write the number without a comma, with a point for decimals.",
        "쉼표 없이, 소수점은 '.'으로 써 주십시오.",
    ),
    "whole": Sentence(
        "This is not a whole number.",
        "정수가 아닙니다.",
        "Write a whole number.",
        "정수를 써 주십시오.",
    ),
    "range": Sentence(
        "The value is out of range.",
        "값이 허용 범위를 벗어났습니다.",
        "Check the value and the unit in the column's name.",
        "값과 열 이름의 단위를 확인해 주십시오.",
    ),
    "positive": Sentence(
        "The value is not above zero.",
        "0보다 큰 값이 아닙니다.",
        "Write a value above zero; '-' says that there is none.",
        "0보다 큰 값을 써 주십시오. 값이 없으면 '-'를 써 주십시오.",
    ),
    "choice": Sentence(
        "The word is none of those that this column takes.",
        "이 열에서 쓸 수 있는 낱말이 아닙니다.",
        "Use one of the words in brackets.",
        "괄호 안의 낱말 중 하나를 써 주십시오.",
    ),
    "moment": Sentence(
        "This is no moment.",
        "날짜와 시각이 아닙니다.",
        "Write it as 2026-03-02 09:00.",
        "2026-03-02 09:00과 같이 써 주십시오.",
    ),
    "unit_missing": Sentence(
        "The column's name lacks its unit; units are never guessed.",
        "열 이름에 단위가 없습니다. 단위는 추측하지 않습니다.",
        "Add the unit to the column's name, as in the bracket.",
        "괄호 안과 같이 열 이름에 단위를 붙여 주십시오.",
    ),
    "area_kind": Sentence(
        "It is not said which area this is.",
        "어떤 면적인지 적혀 있지 않습니다.",
        "Name the column active_area, die_area or package_area with its unit, or add a column area_kind.",
        "열 이름을 단위를 붙인 active_area, die_area, package_area로 하거나 area_kind 열을 더해 주십시오.",
    ),
    "more_values": Sentence(
        "The row holds more values than there are columns, so that values may have moved.",
        "열보다 값이 많은 행이라 값이 밀렸을 수 있습니다.",
        "Put texts that hold the separator into quotation marks.",
        "구분 기호가 든 글은 따옴표로 감싸 주십시오.",
    ),
    "column_twice": Sentence(
        "Two columns of the table have the same name or meaning; none of its rows was taken.",
        "표에 이름이나 뜻이 같은 열이 둘 있어 어떤 행도 받지 않았습니다.",
        "Remove or rename one of the columns.",
        "둘 중 한 열을 지우거나 이름을 바꾸어 주십시오.",
    ),
    "columns_contradict": Sentence(
        "Two columns of the row say different things of the same value.",
        "같은 값에 대해 두 열의 내용이 서로 다릅니다.",
        "Correct one of them or leave it empty.",
        "하나를 고치거나 비워 주십시오.",
    ),
    "rows_contradict": Sentence(
        "Rows of this file contradict each other; none of them was taken.",
        "이 파일의 행들이 서로 모순되어 모두 받지 않았습니다.",
        "Keep the one that is right.",
        "맞는 행 하나만 남겨 주십시오.",
    ),
    "voltage_order": Sentence(
        "The upper voltage limit is not above the lower one.",
        "상한 전압이 하한 전압보다 높지 않습니다.",
        "Check both; a limit that this table does not name is the one that is known.",
        "두 값을 확인해 주십시오. 이 표에 없는 한계는 이미 등록된 값입니다.",
    ),
    "other_firm": Sentence(
        "This cell of this lot and wafer is known under another firm; cells do not move between firms.",
        "이 로트와 웨이퍼의 이 셀은 다른 회사의 것으로 등록되어 있습니다. 셀은 회사 사이를 옮겨 갈 수 없습니다.",
        "Check firm, lot, wafer and die; if the firm on record is wrong, tell the operators.",
        "회사, 로트, 웨이퍼, 다이를 확인하고, 등록된 회사가 틀렸으면 운영자에게 알려 주십시오.",
    ),
    "not_yours": Sentence(
        "The row is of another firm than the one that this manifest is from.",
        "이 명세표를 낸 회사와 다른 회사의 행입니다.",
        "Leave it out, or have the operators import it.",
        "이 행을 빼거나 운영자에게 등록을 부탁해 주십시오.",
    ),
    "outside_wafer": Sentence(
        "The die lies outside its wafer.",
        "다이가 웨이퍼 밖에 있습니다.",
        "Check die_x and die_y, and the wafer's diameter, pitch and centre die.",
        "die_x, die_y와 웨이퍼의 지름, 피치, 중심 다이를 확인해 주십시오.",
    ),
    "cells_outside": Sentence(
        "With this map a known cell would lie outside the wafer.",
        "이 웨이퍼 맵으로는 등록된 셀이 웨이퍼 밖에 놓입니다.",
        "Check diameter, pitch and centre die, or correct the cell first.",
        "지름, 피치, 중심 다이를 확인하거나 셀을 먼저 고쳐 주십시오.",
    ),
    "unknown_cell": Sentence(
        "The firm has no such cell.",
        "이 회사에 그런 셀이 없습니다.",
        "Import the table of cells first; this row can then be imported again.",
        "셀 표를 먼저 등록한 뒤 이 행을 다시 등록해 주십시오.",
    ),
    "interval": Sentence(
        "The time ends before it begins, or when it begins.",
        "끝나는 시각이 시작 시각보다 늦지 않습니다.",
        "Check both moments; an end equal to the beginning withdraws an assignment that is known.",
        "두 시각을 확인해 주십시오. 등록된 배정을 취소할 때만 두 시각을 같게 씁니다.",
    ),
    "overlap": Sentence(
        "The channel already holds a cell in that time.",
        "그 시간에 채널에 이미 다른 셀이 배정되어 있습니다.",
        "End the other assignment first: give its row the moment at which it ended.",
        "먼저 그 배정의 행에 끝난 시각을 적어 주십시오.",
    ),
    "limit_missing": Sentence(
        "The limit has neither a lower nor an upper value.",
        "하한값과 상한값이 모두 없습니다.",
        "Give one of them; to withdraw a limit, import a new revision of the specification without it.",
        "하나 이상 적어 주십시오. 제한을 없애려면 그 항목이 없는 새 개정을 등록해 주십시오.",
    ),
    "limit_order": Sentence(
        "The lower limit is above the upper one.",
        "하한값이 상한값보다 큽니다.",
        "Exchange or correct them.",
        "두 값을 바꾸거나 바로잡아 주십시오.",
    ),
    "limit_unit": Sentence(
        "The unit does not measure this quantity, or is not known.",
        "이 항목에 쓸 수 없거나 알려지지 않은 단위입니다.",
        "Use a unit of the quantity, such as uAh, ohm, kohm, nA, %, %/year, s or cycles.",
        "uAh, ohm, kohm, nA, %, %/year, s, cycles처럼 항목에 맞는 단위를 써 주십시오.",
    ),
}
NOTICES: Final[dict[str, Sentence]] = {
    "unit_unknown": Sentence(
        "A column was kept as text and is not used, for its name does not end with a unit that is known.",
        "열 이름이 알려진 단위로 끝나지 않아 글로만 보관하고 사용하지 않습니다.",
        "Rename it as in the bracket.",
        "괄호 안과 같이 이름을 바꾸어 주십시오.",
    ),
    "kept": Sentence(
        "Columns without a meaning here were kept as text.",
        "여기에서 뜻이 정해지지 않은 열은 글로 보관했습니다.",
        "Nothing to do.",
        "조치할 것이 없습니다.",
    ),
    "sheet_unknown": Sentence(
        "A sheet was left out, for its columns are those of no manifest.",
        "열이 어떤 명세표와도 맞지 않아 시트 하나를 건너뛰었습니다.",
        "Check the names of its columns if it should have been taken.",
        "받아야 할 시트라면 열 이름을 확인해 주십시오.",
    ),
    "known_before": Sentence(
        "The same file was imported before; what was taken then was not taken again.",
        "같은 파일을 이미 등록했습니다. 그때 받은 행은 다시 받지 않았습니다.",
        "To go back to it after later corrections, import it with --again.",
        "그 뒤의 수정을 되돌리려면 --again을 붙여 등록해 주십시오.",
    ),
    "left_over": Sentence(
        "Tests stay with the cell that an earlier assignment gave them, which this one does not.",
        "이전 배정으로 정해진 셀에 시험이 그대로 남아 있습니다.",
        "Move them with 'cellar assign' if that is wrong.",
        "틀렸다면 'cellar assign'으로 옮겨 주십시오.",
    ),
}


def explain_refusal(error: ManifestError) -> dict[str, object]:
    """Return a refused row as the technician reads it: ``sheet, row, column, code, found, en, ko``."""
    told = _write_both(REFUSALS[error.code], error.found)
    same = {"sheet": error.sheet, "row": error.row, "column": error.column, "code": error.code, "found": error.found}
    return {**same, **told}


def explain_notice(code: str, found: str) -> dict[str, str]:
    """Return something that the technician should know, though nothing was refused: ``code, found, en, ko``."""
    return {"code": code, "found": found, **_write_both(NOTICES[code], found)}


def _write_both(sentence: Sentence, found: str) -> dict[str, str]:
    shown = f" ({found})" if found else ""
    return {
        "en": f"{sentence.en}{shown} {sentence.en_do}",
        "ko": f"{sentence.ko}{shown} {sentence.ko_do}",
    }
