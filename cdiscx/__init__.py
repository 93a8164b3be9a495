"""cdiscx: from what clinical sites send in to findings, SDTM, ADaM and endpoints."""
