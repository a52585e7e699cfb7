"""Bind an office to the public Chicago data, and measure on the City's own protocol.

The raw files lack the day on which a row became known. It is added here: the day itself for inspections, visits and
weather, a week later for burglaries and complaints (the City published both weekly), the first day of the term for
licences, and the day before the period begins for the plan. See the data's README for what else is known of them.
"""

from __future__ import annotations

from pathlib import Path

from jcml.engines.duckdb import connect

OFFICE = """name = "Chicago (public data, 2011 to 2014)"
time_zone = "America/Chicago"

[tables.planned_inspections]
files = "data/planned_inspections.parquet"
quarantine_at_most = 0.05
[tables.inspections]
files = "data/inspections.parquet"
[tables.visits]
files = "data/visits.parquet"
[tables.licences]
files = "data/licences.parquet"
[tables.burglaries]
files = "data/burglaries.parquet"
[tables.sanitation_complaints]
files = "data/sanitation_complaints.parquet"
covered_from = 2011-01-01
[tables.weather]
files = "data/weather.parquet"
"""

_PLACE = "round({0}Latitude, 6) AS latitude, round({0}Longitude, 6) AS longitude"

TABLES = {
    "planned_inspections": """
        SELECT CAST(f.Inspection_ID AS VARCHAR) AS inspection, CAST(f.License AS VARCHAR) AS establishment,
          upper(i.DBA_Name) AS trade_name, CAST(i.Zip AS VARCHAR) AS postcode, 'CHICAGO' AS city,
          {risk} AS risk, {kind} AS kind, f.inspector_cluster AS inspectors,
          round(i.Latitude, 6) AS latitude, round(i.Longitude, 6) AS longitude,
          p.period - 1 AS planned_on, p.period - 1 AS received_on
        FROM frame f JOIN inspections i USING (Inspection_ID)
        JOIN periods p ON f.Inspection_Date >= p.period AND f.Inspection_Date < p.until""",
    "inspections": """
        SELECT CAST(i.Inspection_ID AS VARCHAR) AS inspection, CAST(License AS VARCHAR) AS establishment,
          upper(DBA_Name) AS trade_name, CAST(Zip AS VARCHAR) AS postcode, Results = 'Fail' AS failed, Results = 'Pass' AS passed,
          criticalCount AS critical, seriousCount AS serious, minorCount AS minor, a.inspector_cluster AS inspectors,
          round(Latitude, 6) AS latitude, round(Longitude, 6) AS longitude,
          Inspection_Date AS inspected_on, Inspection_Date AS received_on
        FROM inspections i LEFT JOIN (SELECT Inspection_ID, min(inspector_cluster) AS inspector_cluster
          FROM inspector_assignments GROUP BY 1) a USING (Inspection_ID)""",
    "visits": """
        SELECT CAST(row_number() OVER (ORDER BY Inspection_Date, License, Inspection_Purpose) AS VARCHAR) AS visit,
          CAST(License AS VARCHAR) AS establishment,
          CASE WHEN Inspection_Purpose ILIKE '%re-insp%' OR Inspection_Purpose ILIKE '%reinsp%' THEN 'recheck'
               WHEN Inspection_Purpose ILIKE '%complaint%' OR Inspection_Purpose ILIKE '%poison%' THEN 'complaint'
               WHEN Inspection_Purpose ILIKE 'licen%' THEN 'licence'
               WHEN Inspection_Purpose ILIKE 'canvas%' THEN 'canvass' ELSE 'other' END AS purpose,
          Inspection_Date AS visited_on, Inspection_Date AS received_on
        FROM inspection_visits WHERE License IS NOT NULL AND Inspection_Date IS NOT NULL""",
    "licences": """
        SELECT licence_record_id AS licence_term, CAST(LICENSE_NUMBER AS VARCHAR) AS establishment, minDate AS first_issued,
          LICENSE_TERM_START_DATE AS term_from, LICENSE_TERM_EXPIRATION_DATE AS term_to, WARD AS ward,
          POLICE_DISTRICT AS police_district, LICENSE_TERM_START_DATE AS received_on
        FROM business_licences WHERE LICENSE_TERM_START_DATE IS NOT NULL""",
    "burglaries": f"""
        SELECT CAST(ID AS VARCHAR) AS report, {_PLACE.format('')}, Date AS reported_on, Date + 7 AS received_on FROM burglaries""",
    "sanitation_complaints": f"""
        SELECT Service_Request_Number AS request, {_PLACE.format('')}, Creation_Date AS called_on, Creation_Date + 7 AS received_on
        FROM sanitation_complaints WHERE Creation_Date >= DATE '2011-01-01'""",
    "weather": """
        SELECT CAST(date AS VARCHAR) AS day, 'CHICAGO' AS city, temperatureMax AS hottest, precipIntensity AS rain, humidity,
          date AS measured_on, date AS received_on FROM weather_daily""",
}
_RISK = "CASE f.Risk WHEN 'Risk 1 (High)' THEN 'high' WHEN 'Risk 2 (Medium)' THEN 'medium' WHEN 'Risk 3 (Low)' THEN 'low' END"
_KIND = """CASE WHEN i.Facility_Type = 'Restaurant' THEN 'restaurant' WHEN i.Facility_Type = 'Grocery Store' THEN 'grocery'
  WHEN i.Facility_Type ILIKE '%school%' THEN 'school' WHEN i.Facility_Type = 'Bakery' THEN 'bakery' WHEN i.Facility_Type ILIKE '%daycare%' THEN 'daycare'
  WHEN i.Facility_Type ILIKE '%care%' OR i.Facility_Type = 'Hospital' THEN 'care' ELSE 'other' END"""


def make_office(data: Path, folder: Path) -> Path:
    """Write the office's files and its `office.toml`; returns the folder."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    connection = connect()
    for name in (
        "inspections", "inspector_assignments", "inspection_visits", "business_licences", "burglaries",
        "sanitation_complaints", "weather_daily",
    ):
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{data / name}.parquet')")
    connection.execute(f"CREATE VIEW frame AS SELECT * FROM read_parquet('{data / 'city_model_frame.parquet'}')")
    connection.execute(
        "CREATE TABLE periods AS SELECT CAST(d AS DATE) AS period, CAST(d + INTERVAL 2 MONTH AS DATE) AS until"
        " FROM generate_series(DATE '2011-09-02', DATE '2014-11-02', INTERVAL 2 MONTH) AS g(d)"
    )
    for name, sql in TABLES.items():
        filled = sql.replace("{risk}", _RISK).replace("{kind}", _KIND)
        connection.execute(f"COPY ({filled}) TO '{folder / 'data' / name}.parquet' (FORMAT parquet)")
    (folder / "office.toml").write_text(OFFICE, encoding="utf-8")
    return folder
