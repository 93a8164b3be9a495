"""ADaM frames of an invented cohort, in the shape of adam-derivations: as many subjects as asked, always the same ones."""

from __future__ import annotations

import datetime as dt
import random

import polars as pl

CUTOFF = dt.date(2025, 6, 30)
DAY = dt.timedelta(days=1)
CODES = {"CR": 1, "PR": 2, "SD": 3, "NON-CR/NON-PD": 4, "PD": 5, "NE": 6, "MISSING": 7}
TERMS = [
    ("Skin and subcutaneous tissue disorders", "Rash"),
    ("Gastrointestinal disorders", "Diarrhoea"),
    ("Gastrointestinal disorders", "Nausea"),
    ("Vascular disorders", "Hypertension"),
    ("Investigations", "Aspartate aminotransferase increased"),
    ("Investigations", "Platelet count decreased"),
    ("General disorders and administration site conditions", "Fatigue"),
    ("Hepatobiliary disorders", "Hepatic failure"),
]


class Cohort:
    """Frames by ADaM name, of `n` subjects of a study with PVTT (`pvtt`) or without."""

    def __init__(self, n: int, *, pvtt: bool = True, seed: int = 7, names: tuple[str, ...] = ()) -> None:
        self.random = random.Random(seed)
        self.pvtt = pvtt
        self.rows: dict[str, list[dict[str, object]]] = {
            k: [] for k in ("ADSL", "ADRS", "ADTR", "ADTTE", "ADAE", "ADSURG", "ADEXSUM", "ADBM")
        }
        for i in range(n):
            self.subject(i, names[i] if i < len(names) else f"{1 + i % 4:02d}-{i + 1:03d}")

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        return {k: pl.DataFrame(v, infer_schema_length=None) for k, v in self.rows.items() if v}

    def add(self, dataset: str, who: dict[str, object], **values: object) -> None:
        self.rows[dataset].append({"USUBJID": who["USUBJID"], "SUBJID": who["SUBJID"]} | values)

    def subject(self, i: int, name: str) -> None:
        r = self.random
        enrol = dt.date(2022, 3, 1) + r.randrange(700) * DAY
        start = enrol + r.randrange(8) * DAY
        diagnosis = enrol - r.randrange(20, 300) * DAY
        death = start + int(r.expovariate(1 / 700)) * DAY + 30 * DAY
        dead = death <= CUTOFF
        last = death if dead else CUTOFF - r.randrange(90) * DAY
        surgery = start + r.randrange(80, 130) * DAY if r.random() < 0.6 and death > start + 140 * DAY else None
        end = min(last, start + r.randrange(60, 420) * DAY)
        who: dict[str, object] = {"USUBJID": f"S-{name}", "SUBJID": name}
        self.rows["ADSL"].append(
            who
            | {"SITEID": name[:2], "ENRLFL": "Y", "SAFFL": "Y", "FASFL": "Y", "DURFL": "Y", "EVALFL": "Y"}
            | {"RESFL": "Y" if surgery else "N", "PATFL": "Y" if surgery and i % 5 else "N"}
            | {"RFICDT": enrol, "ENRLDT": enrol, "DIAGDT": diagnosis, "TRTSDT": start, "TRTEDT": end, "SURGDT": surgery}
            | {"DTHDT": death if dead else None, "LSTALVDT": last, "NACTDT": None, "CUTDT": CUTOFF}
            | {
                "PVTTBL": r.choice(["I", "II", "IIa", "III"]) if self.pvtt else None,
                "RSTAT": r.choice(["R0", "R0", "R1"]),
            }
            | {"M3BRANCH": "SURGERY" if surgery else "SYSTEMIC"}
        )
        pd, best, first, pchg = self.responses(who, start, surgery, last)
        self.times(who, start, enrol, diagnosis, surgery, pd, death if dead else None, last, first)
        self.answers(who, best, pchg, surgery, death if dead else None)
        self.events(who, start, end)
        for name_, total in (("DRUG A", 1500.0), ("DRUG B", 12.0 * (end - start).days)):
            about = {"PARCAT1": name_, "ASTDT": start, "AENDT": end}
            self.add("ADEXSUM", who, PARAMCD="CUMDOSE", PARAM="Cumulative Dose (mg)", AVAL=total, **about)
            self.add(
                "ADEXSUM", who, PARAMCD="RDI", PARAM="Relative Dose Intensity (%)", AVAL=70.0 + r.random() * 30, **about
            )
        for when, day in (("BASELINE", start), ("RESECTION", surgery)):
            if day:
                flag = "Y" if when == "BASELINE" else None
                said = {
                    "PARAMCD": "AFP",
                    "PARAM": "Alpha Fetoprotein (ng/mL)",
                    "AVAL": round(r.lognormvariate(4, 1), 1),
                }
                self.add("ADBM", who, **said, ADT=day, AVISIT=when, ABLFL=flag)

    def responses(self, who, start, surgery, last):
        r = self.random
        total = base = nadir = r.uniform(40, 140)
        self.add("ADTR", who, PARAMCD="SUMDIAM", AVAL=base, PCHG=None, ADT=start, ABLFL="Y", BASETYPE="PRE-TREATMENT")
        seen, pd, first, pchg = [], None, None, None
        for k in range(1, 14):
            day = start + (42 * k + r.randrange(-4, 5)) * DAY
            if day > last or (pd and r.random() < 0.5):
                break
            if surgery and day >= surgery:
                break
            total = max(0.0, total * r.uniform(0.72, 1.15 + 0.03 * k))
            change = 100 * (total - base) / base
            word = "NE" if r.random() < 0.04 else "PD" if total >= 1.2 * nadir and total - nadir >= 5 else None
            word = word or ("CR" if total == 0 else "PR" if change <= -30 else "SD")
            nadir = min(nadir, total)
            flag = None if pd else "Y"
            self.add(
                "ADTR", who, PARAMCD="SUMDIAM", AVAL=total, PCHG=change, ADT=day, ABLFL=None, BASETYPE="PRE-TREATMENT"
            )
            said = {"AVALC": word, "AVAL": CODES[word], "ADT": day, "ANL01FL": flag, "ANL02FL": None}
            self.add("ADRS", who, PARAMCD="OVR", PARAM="Overall Response", **said)
            if not pd:
                pchg = change if pchg is None else min(pchg, change)
                seen.append(word)
            pd = pd or (day if word == "PD" else None)
            first = first or (day if word in ("CR", "PR") and not pd else None)
        best = min(seen, key=lambda w: CODES[w]) if seen else "MISSING"
        return pd, best, first if best in ("CR", "PR") else None, pchg

    def times(self, who, start, enrol, diagnosis, surgery, pd, death, last, first):
        def one(code, origin, event, what, censor, why):
            if origin is None:
                return
            at = event or max(censor, origin)
            said = {"CNSR": 0 if event else 1, "EVNTDESC": what if event else why, "STARTDT": origin, "ADT": at}
            self.add("ADTTE", who, PARAMCD=code, AVAL=float((at - origin).days + 1), **said)

        first_event = min((d for d in (pd, death) if d), default=None)
        what = "DISEASE PROGRESSION" if first_event and first_event == pd else "DEATH"
        one("OS", start if self.pvtt else diagnosis, death, "DEATH", last, "ALIVE OR STATUS UNKNOWN")
        one("OSENR", enrol, death, "DEATH", last, "ALIVE OR STATUS UNKNOWN")
        for code, origin in (("PFS", enrol), ("EFS", start), ("DFS", surgery), ("DOR", first)):
            event = first_event if origin and first_event and first_event >= origin else None
            one(code, origin, event, what, last, "NO EVENT")

    def answers(self, who, best, pchg, surgery, death):
        r = self.random
        yes = "Y" if best in ("CR", "PR") else "N"
        for code, word in (("BOR", best), ("CBOR", best if r.random() < 0.8 else "SD"), ("RSP", yes), ("CRSP", yes)):
            self.add("ADRS", who, PARAMCD=code, AVALC=word, AVAL=CODES.get(word))
        self.add("ADRS", who, PARAMCD="DCR", AVALC="Y" if best in ("CR", "PR", "SD") else "N")
        self.add("ADRS", who, PARAMCD="RSP6W", AVALC=yes, AVALCAT1="RESPONDER" if yes == "Y" else "NON-RESPONDER")
        self.add("ADRS", who, PARAMCD="EFS1Y", AVALC=r.choice(["Y", "N", None]))
        for code in ("PRIMRSP", "PVTTRSP", "CRSPB"):
            word = r.choice(["PR", "PR", "SD", "PD"])
            self.add(
                "ADRS",
                who,
                PARAMCD=code,
                AVALC=word,
                AVAL=CODES[word],
                ANL02FL="Y",
                PVTTCLS=r.choice(["NONE", "I", "II"]),
            )
        if self.pvtt:
            self.add("ADRS", who, PARAMCD="PVTTCLS", AVALC=r.choice(["NONE", "I", "II"]), ANL02FL="Y")
        if pchg is not None:
            self.add("ADTR", who, PARAMCD="BPCHG", AVAL=pchg)
        if surgery:
            for code in ("R0", "MPR", "PCR"):
                self.add("ADRS", who, PARAMCD=code, AVALC=r.choice(["Y", "Y", "N"]))
            known = {"MORT30": "Y" if death and (death - surgery).days <= 30 else "N", "COMPANY": r.choice("YN")}
            known |= {"COMPMAJ": "N", "REOP": "N", "READM": "N", "CDGRMAX": r.choice(["I", "II", "IIIa"])}
            for code, word in known.items():
                self.add("ADSURG", who, PARAMCD=code, AVALC=word, AVAL=None)
            self.add("ADSURG", who, PARAMCD="LOS", AVALC=None, AVAL=float(r.randrange(6, 30)))

    def events(self, who, start, end):
        r = self.random
        for _ in range(r.randrange(0, 7)):
            soc, pt = r.choice(TERMS)
            grade = r.choice([1, 1, 1, 2, 2, 3, 4])
            about = {
                "AEBODSYS": soc,
                "AEDECOD": pt,
                "ATOXGRN": grade,
                "TRTEMFL": "Y",
                "AESER": "Y" if grade > 3 else "N",
            }
            about |= {"ARELDUR": r.choice(["Y", None]), "ARELCAM": r.choice(["Y", None]), "AEACN": "DOSE NOT CHANGED"}
            self.add(
                "ADAE",
                who,
                **about,
                AEOUT="RECOVERED/RESOLVED",
                ASTDT=start + r.randrange(1 + (end - start).days) * DAY,
            )
