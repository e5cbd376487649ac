from django.db import migrations, models


def name_the_person(apps, schema_editor):
    """Until now a person was their address."""
    message = apps.get_model("notices", "Message")
    message.objects.update(person=models.F("address"))


def rename_index(apps, schema_editor):
    """PostgreSQL's index for LIKE keeps its table's old name, and the next Notice needs it."""
    if schema_editor.connection.vendor == "postgresql":
        old, new = (
            schema_editor._create_index_name(table, ["public_id"], suffix="_like")
            for table in ("notices_notice", "notices_message")
        )
        schema_editor.execute(f"ALTER INDEX {old} RENAME TO {new}")


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_initial")]

    operations = [
        migrations.RemoveConstraint("notice", "notices_once_for_each_occasion"),
        migrations.RemoveConstraint("notice", "notices_known_state"),
        migrations.RemoveConstraint("notice", "notices_sending_means_leased"),
        migrations.RemoveIndex("notice", "notices_due"),
        migrations.RenameModel("Notice", "Message"),
        migrations.RunPython(rename_index, migrations.RunPython.noop),
        # Whoever waited for a code asks again; everything else was personal.
        migrations.RemoveField("message", "queue"),
        migrations.AddField("message", "person", models.CharField(max_length=254, default=""), preserve_default=False),
        migrations.RunPython(name_the_person, migrations.RunPython.noop),
    ]
