"""Public pages of the guide to daily life."""

from django.core.paginator import Paginator
from django.db.models import Count
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from services.guide.models import Article
from services.guide.presentation import (
    article_page,
    article_rows,
    articles_for_list,
    articles_with_body,
    categories_for_list,
    category_row,
    category_rows,
)

PAGE_SIZE = 20


@require_safe
def index(request):
    """All categories, each with its number of articles."""
    # Counts by the articles' index alone, without a join to the categories.
    visible = Article.objects.visible_to(request.user).order_by().values_list("category")
    counts = dict(visible.annotate(count=Count("*")))
    return render(request, "guide/index.html", {"categories": category_rows(counts)})


@require_safe
def category(request, slug):
    """A category's articles, 20 a page."""
    category = get_object_or_404(categories_for_list(), slug=slug)
    articles = articles_for_list().visible_to(request.user).filter(category=category.pk)
    page = Paginator(articles, PAGE_SIZE).get_page(request.GET.get("page"))
    page.object_list = article_rows(page.object_list)
    return render(request, "guide/category.html", {"category": category_row(category), "page": page})


@require_safe
def article(request, slug):
    """An article, and others of its category."""
    article = get_object_or_404(articles_with_body().visible_to(request.user), slug=slug)
    others = articles_for_list().visible_to(request.user).filter(category=article.category_id).exclude(pk=article.pk)
    context = {"article": article_page(article), "related": article_rows(others[:4])}
    return render(request, "guide/article.html", context)
