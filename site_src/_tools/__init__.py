"""What the site's build adds to MkDocs: checks, proofs, recorded figures, generated reference.

Plain functions over files, so that another generator can call them before its own build.
"""
