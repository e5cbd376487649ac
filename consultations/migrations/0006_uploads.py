import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import services.base.public_ids
import services.base.sealed


class Migration(migrations.Migration):
    dependencies = [
        ("consultations", "0005_statistics"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Upload",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", services.base.public_ids.PublicIdField()),
                ("text", services.base.sealed.SealedField()),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"ordering": ["-made_at"]},
        ),
    ]
