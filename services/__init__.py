"""The ground: what the centre offers and every programme stands on. A folder of apps, not an app."""
