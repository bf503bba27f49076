"""Print what authors may refer to: claims, regions, facts, figures and runs."""

from pathlib import Path

from .checks import Site

ROOT = Path(__file__).parents[2]


def main() -> None:
    """One list under each heading."""
    docs = ROOT / "site_src"
    pages = {p.relative_to(docs).as_posix(): p.read_text("utf-8") for p in docs.rglob("*.md")}
    site = Site.read(ROOT, docs, pages)
    claims, tested = site.claims(), {proof.claim: proof for proof in site.proofs}
    shown = {(i.path, i.region) for found in site.includes.values() for i in found}
    lists = {
        "claims that a test carries": [
            f"{key}  {proof.id}" for key, proof in sorted(tested.items())
        ],
        "claims without a test": sorted(claims.keys() - tested.keys()),
        "tests whose claim no page makes": sorted(tested.keys() - claims.keys()),
        "regions that no page shows": [
            f"{r.path}:{r.name}" for r in site.regions if (r.path, r.name) not in shown
        ],
        "facts": sorted(site.data.facts),
        "figures": [f"{n}.{k}" for n, file in site.data.figures.items() for k in file["figures"]],
        "runs": list(site.data.runs),
    }
    for head, lines in lists.items():
        print(f"\n{head}\n" + "\n".join(f"  {line}" for line in lines))


if __name__ == "__main__":
    main()
