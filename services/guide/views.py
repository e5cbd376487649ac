"""The guide's pages."""

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from services.guide.models import Article, Category
from services.guide.reading import article_page, article_rows, category_row, category_rows, listed

ON_A_PAGE = 20


@require_safe
def index(request):
    """All categories, each with how many articles it holds."""
    categories = Category.objects.annotate(count=Count("articles", filter=Q(articles__is_published=True)))
    return render(request, "guide/index.html", {"categories": category_rows(categories)})


@require_safe
def category(request, slug):
    """A category's articles, twenty on a page."""
    category = get_object_or_404(Category, slug=slug)
    articles = listed(Article.objects.visible_to(request.user).filter(category=category))
    page = Paginator(articles, ON_A_PAGE).get_page(request.GET.get("page"))
    page.object_list = article_rows(page.object_list)
    return render(request, "guide/category.html", {"category": category_row(category), "page": page})


@require_safe
def article(request, slug):
    """One article, and what else its category holds."""
    articles = Article.objects.visible_to(request.user).readable(
        *Article.TEXTS, plain=("slug", "checked_on", "category", "is_published")
    )
    article = get_object_or_404(articles.prefetch_related("category"), slug=slug)
    others = Article.objects.visible_to(request.user).filter(category=article.category).exclude(pk=article.pk)
    context = {"article": article_page(article), "related": article_rows(listed(others)[:4])}
    return render(request, "guide/article.html", context)
