"""The consultation desk: timetable, appointments, consultation log, cases and statistics."""
