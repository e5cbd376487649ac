"""What every template may use; loaded everywhere by settings."""

from django import template

from services.languages.days import written_day

register = template.Library()
register.filter("day", written_day)
