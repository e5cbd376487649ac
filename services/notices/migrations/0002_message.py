from django.db import migrations, models


def name_the_person(apps, schema_editor):
    """Until now a person was their address."""
    message = apps.get_model("notices", "Message")
    message.objects.update(person=models.F("address"))


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_initial")]

    operations = [
        migrations.RemoveConstraint("notice", "notices_once_for_each_occasion"),
        migrations.RemoveConstraint("notice", "notices_known_state"),
        migrations.RemoveConstraint("notice", "notices_sending_means_leased"),
        migrations.RemoveIndex("notice", "notices_due"),
        migrations.RenameModel("Notice", "Message"),
        # Whoever waited for a code asks again; everything else was personal.
        migrations.RemoveField("message", "queue"),
        migrations.AddField("message", "person", models.CharField(max_length=254, default=""), preserve_default=False),
        migrations.RunPython(name_the_person, migrations.RunPython.noop),
    ]
