"""`python -m tests.attacks` lists every attack with its story."""

from tests.attacks.tables import CATEGORIES


def main() -> None:
    """Prints the tables."""
    for category, attacks in CATEGORIES.items():
        print(f"{category} ({len(attacks)})")
        for name, attack in attacks.items():
            print(f"  {name}: {attack.story}")
    print(f"{sum(len(attacks) for attacks in CATEGORIES.values())} attacks")


if __name__ == "__main__":
    main()
