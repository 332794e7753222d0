-- How do a firm's cells stand among like cells of other firms?
-- reads: cohort_values, cohort_release, cohort_cell
-- formula: quantile: the smallest value at which the weights of all values up to it reach the part p of all weights; rounded; a firm weighs as many cells as it has, at most five, the asking firm included
-- condition: a fixed grid (family of the cathode, decade of nominal capacity, bins of temperature and C-rate, method), one release in 91 days, the same for everybody until the next one
-- condition: at least five other firms stand behind every number, none with more than 25 % of the weight; a quantile is given only where the two heaviest firms weigh less than what lies below it, and less than what lies above it
-- condition: numbers are renewed only when values of six firms differ from every earlier release; no smallest or largest value, and the number of firms as a band
-- source: warehouse/cohort
-- firm | | Code of the firm that asks
-- chemistry_family | | Family of the cathode; null where the cells have no place in the grid
-- capacity_decade | | Decade of the nominal capacity
-- temperature_bin | | Bin of the temperature
-- rate_bin | | Bin of the C-rate of discharge
-- metric | | What is compared; its unit is part of the name
-- unit | | Unit of the values; empty for fractions
-- at_cycle | | Cycle at which it is compared; null where the metric is of no cycle
-- own_value | | Median of the firm's own cells of the group, as of now, in the unit beside it
-- own_cells | | Cells that this is of
-- status | | published, suppressed, or not_comparable for cells without a place
-- lower_quartile | | First quartile over all firms, rounded; null where it may not be told
-- median | | Median over all firms, rounded
-- upper_quartile | | Third quartile over all firms, rounded; null where it may not be told
-- percentile_band | | Between which of the told quantiles the own value lies, in percent, as 25-50
-- firms | | Firms behind the numbers, as a band
-- reason | | Why there are no numbers: a key of warehouse.cohort.reasons
-- reason_en | | The same as a sentence in English
-- reason_ko | | The same as a sentence in Korean
-- method | | Version and hash of the recipe's sections that the figures are made by
-- numbers_of | | Date of the release that the numbers were made for
-- next_release | | From when the next release is due
WITH own AS (
    SELECT
        firm, chemistry_family, capacity_decade, temperature_bin, rate_bin, metric, unit, at_cycle,
        reason AS own_reason, median(value) AS own_value, count(*) AS own_cells
    FROM cohort_values
    GROUP BY ALL
),

latest AS (
    SELECT arg_max(release, release) AS release, arg_max(next_date, release) AS next_release FROM cohort_release
),

words (reason, reason_en, reason_ko) AS (
    VALUES
    ('too_few_firms', 'Fewer than five other firms have such cells; numbers of so few would say something about each of them.', '같은 조건의 셀을 가진 다른 기업이 다섯 곳보다 적습니다. 수가 적으면 개별 기업의 값을 짐작할 수 있습니다.'),
    ('one_firm_dominates', 'One firm has more than a quarter of the weight; the numbers would mostly be its own.', '한 기업의 비중이 4분의 1을 넘습니다. 이 경우 통계값이 사실상 그 기업의 값이 됩니다.'),
    ('too_few_changed', 'Since an earlier release the values of too few firms changed; the difference would tell of them.', '이전 공개 이후 값이 바뀐 기업이 너무 적습니다. 두 공개의 차이에서 그 기업들의 값을 짐작할 수 있습니다.'),
    ('not_released', 'This group is in no release yet; the next one takes it in.', '이 그룹은 아직 공개되지 않았습니다. 다음 공개 때 반영됩니다.'),
    ('chemistry_unknown', 'The manifest''s cathode or chemistry names no family of the grid, or two of them.', '매니페스트의 양극재 또는 화학계에서 비교 기준의 계열을 하나로 정할 수 없습니다.'),
    ('capacity_unknown', 'The manifest states no nominal capacity.', '매니페스트에 공칭 용량이 없습니다.'),
    ('area_unknown', 'The manifest states no active area; capacities are compared of cells with one only.', '매니페스트에 활성 면적이 없습니다. 용량은 활성 면적이 있는 셀만 비교합니다.'),
    ('rate_unknown', 'No complete cycles say at which rate the cell is cycled.', '완전한 사이클이 없어 셀의 방전율을 알 수 없습니다.'),
    ('symmetric', 'Symmetric cells are not compared between firms.', '대칭 셀은 기업 간 비교 대상이 아닙니다.')
),

told AS (
    SELECT
        own.*,
        cohort_cell.* EXCLUDE (
            chemistry_family, capacity_decade, temperature_bin, rate_bin, metric, at_cycle, method, release, status, reason
        ),
        latest.next_release,
        CASE WHEN own_reason IS NOT NULL THEN 'not_comparable' ELSE coalesce(cohort_cell.status, 'suppressed') END AS status,
        -- A row without a status has not been judged yet.
        coalesce(own_reason, CASE WHEN cohort_cell.status IS NULL THEN 'not_released' ELSE cohort_cell.reason END) AS reason
    FROM own
    CROSS JOIN latest
    LEFT JOIN cohort_cell
        ON cohort_cell.release = latest.release
        AND cohort_cell.method = $method
        AND cohort_cell.chemistry_family = own.chemistry_family
        AND cohort_cell.capacity_decade = own.capacity_decade
        AND cohort_cell.temperature_bin = own.temperature_bin
        AND cohort_cell.rate_bin = own.rate_bin
        AND cohort_cell.metric = own.metric
        AND cohort_cell.at_cycle = own.at_cycle
)

SELECT
    firm,
    chemistry_family,
    capacity_decade,
    temperature_bin,
    rate_bin,
    metric,
    unit,
    nullif(at_cycle, 0) AS at_cycle,
    own_value,
    own_cells,
    status,
    lower_quartile,
    median,
    upper_quartile,
    CASE
        WHEN own_value < lower_quartile THEN '0-25'
        WHEN own_value < median THEN CASE WHEN lower_quartile IS NULL THEN '0-50' ELSE '25-50' END
        WHEN upper_quartile IS NULL THEN CASE WHEN median IS NOT NULL THEN '50-100' END
        WHEN own_value <= upper_quartile THEN '50-75'
        ELSE '75-100'
    END AS percentile_band,
    firms,
    reason,
    words.reason_en,
    words.reason_ko,
    $method AS method,
    of_date AS numbers_of,
    next_release
FROM told
LEFT JOIN words USING (reason)
ORDER BY
    firm, chemistry_family NULLS LAST, capacity_decade, temperature_bin, rate_bin, metric, at_cycle
