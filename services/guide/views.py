"""The guide's pages."""

from django.core.paginator import Paginator
from django.db.models import Count
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from services.guide.models import Article
from services.guide.reading import article_page, article_rows, category_row, category_rows, listed, shown, whole

ON_A_PAGE = 20


@require_safe
def index(request):
    """All categories, each with how many articles it holds."""
    # Counted on the articles' index alone, not joined to the categories.
    visible = Article.objects.visible_to(request.user).order_by().values_list("category")
    counts = dict(visible.annotate(count=Count("*")))
    return render(request, "guide/index.html", {"categories": category_rows(counts)})


@require_safe
def category(request, slug):
    """A category's articles, twenty on a page."""
    category = get_object_or_404(shown(), slug=slug)
    articles = listed().visible_to(request.user).filter(category=category.pk)
    page = Paginator(articles, ON_A_PAGE).get_page(request.GET.get("page"))
    page.object_list = article_rows(page.object_list)
    return render(request, "guide/category.html", {"category": category_row(category), "page": page})


@require_safe
def article(request, slug):
    """One article, and what else its category holds."""
    article = get_object_or_404(whole().visible_to(request.user), slug=slug)
    others = listed().visible_to(request.user).filter(category=article.category_id).exclude(pk=article.pk)
    context = {"article": article_page(article), "related": article_rows(others[:4])}
    return render(request, "guide/article.html", context)
