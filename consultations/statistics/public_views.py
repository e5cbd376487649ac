"""The desk's public yearly figures."""

from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from consultations.statistics.public_figures import load_public_year, years_to_show
from services.figures.periods import fiscal_year
from services.figures.suppression import THRESHOLD


@never_cache  # a consultation logged late does not invalidate cached pages
@require_safe
def figures(request):
    """Show the figures of the latest past fiscal year, or of a chosen one."""
    years = years_to_show()
    chosen = next((year for year in years if str(year) == request.GET.get("year")), years[0] if years else None)
    context = {
        "years": [(year, fiscal_year(year)) for year in years],
        "asked": chosen,
        "figures": load_public_year(chosen) if chosen else None,
        "fewest": THRESHOLD,
    }
    return render(request, "consultations/figures.html", context)
