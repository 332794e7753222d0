"""Test reports (시험성적서) after ISO/IEC 17025, 7.8.2: facts from the warehouse, then PDF, workbook and bundle.

::

    facts = gather_facts(ask, subject, site, recipe)      # portal.reports.gather
    issue = issue_report(registry, firm, subject, parts)  # warehouse.reports.issue: number and revision
    make_document(report, language, kind)                 # portal.reports.make

The same facts give the same number, revision and bytes.
"""
