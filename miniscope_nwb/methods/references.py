"""The papers whose methods a run used, as text and as BibTeX."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paper:
    """One reference; `cite` is what stands in the text."""

    key: str
    cite: str
    authors: str
    title: str
    journal: str
    volume: str
    pages: str  # or article number
    year: int
    doi: str

    @property
    def text(self) -> str:
        """The reference as a line."""
        names = self.authors.replace(" and ", ", ")
        return (
            f"{names} ({self.year}). {self.title}. {self.journal} {self.volume}:{self.pages}. "
            f"doi:{self.doi}"
        )

    @property
    def bibtex(self) -> str:
        """The reference as an entry."""
        title = "".join(f"{{{c}}}" if c.isupper() else c for c in self.title[1:])
        fields = {
            "author": self.authors,
            "title": self.title[0] + title,
            "journal": self.journal,
            "volume": self.volume,
            "pages": self.pages.replace("-", "--"),
            "year": str(self.year),
            "doi": self.doi,
        }
        lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
        return f"@article{{{self.key},\n{lines}\n}}"


NWB = Paper(
    "Rubel2022",
    "Rübel et al., 2022",
    "Rübel, Oliver and Tritt, Andrew and Ly, Ryan and Dichter, Benjamin K. and Ghosh, Satrajit and "
    "Niu, Lawrence and Baker, Pamela and Soltesz, Ivan and Ng, Lydia and Svoboda, Karel and "
    "Frank, Loren and Bouchard, Kristofer E.",
    "The Neurodata Without Borders ecosystem for neurophysiological data science",
    "eLife", "11", "e78362", 2022, "10.7554/eLife.78362",
)  # fmt: skip
NORMCORRE = Paper(
    "Pnevmatikakis2017",
    "Pnevmatikakis and Giovannucci, 2017",
    "Pnevmatikakis, Eftychios A. and Giovannucci, Andrea",
    "NoRMCorre: An online algorithm for piecewise rigid motion correction of calcium imaging data",
    "Journal of Neuroscience Methods", "291", "83-94", 2017, "10.1016/j.jneumeth.2017.07.031",
)  # fmt: skip
CNMFE = Paper(
    "Zhou2018",
    "Zhou et al., 2018",
    "Zhou, Pengcheng and Resendez, Shanna L. and Rodriguez-Romaguera, Jose and Jimenez, Jessica C. "
    "and Neufeld, Shay Q. and Giovannucci, Andrea and Friedrich, Johannes and "
    "Pnevmatikakis, Eftychios A. and Stuber, Garret D. and Hen, Rene and Kheirbek, Mazen A. and "
    "Sabatini, Bernardo L. and Kass, Robert E. and Paninski, Liam",
    "Efficient and accurate extraction of in vivo calcium signals from microendoscopic video data",
    "eLife", "7", "e28728", 2018, "10.7554/eLife.28728",
)  # fmt: skip
CNMF = Paper(
    "Pnevmatikakis2016",
    "Pnevmatikakis et al., 2016",
    "Pnevmatikakis, Eftychios A. and Soudry, Daniel and Gao, Yuanjun and Machado, Timothy A. and "
    "Merel, Josh and Pfau, David and Reardon, Thomas and Mu, Yu and Lacefield, Clay and "
    "Yang, Weijian and Ahrens, Misha and Bruno, Randy and Jessell, Thomas M. and "
    "Peterka, Darcy S. and Yuste, Rafael and Paninski, Liam",
    "Simultaneous denoising, deconvolution, and demixing of calcium imaging data",
    "Neuron", "89", "285-299", 2016, "10.1016/j.neuron.2015.11.037",
)  # fmt: skip
COARSE_RING = Paper(
    "Friedrich2021",
    "Friedrich et al., 2021",
    "Friedrich, Johannes and Giovannucci, Andrea and Pnevmatikakis, Eftychios A.",
    "Online analysis of microendoscopic 1-photon calcium imaging data streams",
    "PLoS Computational Biology", "17", "e1008565", 2021, "10.1371/journal.pcbi.1008565",
)  # fmt: skip
OASIS = Paper(
    "Friedrich2017",
    "Friedrich et al., 2017",
    "Friedrich, Johannes and Zhou, Pengcheng and Paninski, Liam",
    "Fast online deconvolution of calcium imaging data",
    "PLoS Computational Biology", "13", "e1005423", 2017, "10.1371/journal.pcbi.1005423",
)  # fmt: skip
CAIMAN = Paper(
    "Giovannucci2019",
    "Giovannucci et al., 2019",
    "Giovannucci, Andrea and Friedrich, Johannes and Gunn, Pat and Kalfon, Jérémie and "
    "Brown, Brandon L. and Koay, Sue Ann and Taxidis, Jiannis and Najafi, Farzaneh and "
    "Gauthier, Jeffrey L. and Zhou, Pengcheng and Khakh, Baljit S. and Tank, David W. and "
    "Chklovskii, Dmitri B. and Pnevmatikakis, Eftychios A.",
    "CaImAn an open source tool for scalable calcium imaging data analysis",
    "eLife", "8", "e38173", 2019, "10.7554/eLife.38173",
)  # fmt: skip
PAPERS = (NWB, NORMCORRE, CNMF, CNMFE, COARSE_RING, OASIS, CAIMAN)


class Cited:
    """Collects the papers that a text cites."""

    def __init__(self) -> None:
        self._papers: dict[str, Paper] = {}

    def __call__(self, *papers: Paper) -> str:
        """Cite papers: what stands in brackets in the text."""
        self._papers.update({paper.key: paper for paper in papers})
        return f"({'; '.join(paper.cite for paper in papers)})"

    def papers(self) -> list[Paper]:
        """Return the cited papers in the order of their authors."""
        return sorted(self._papers.values(), key=lambda paper: (paper.authors, paper.year))


def software_bibtex(version: str) -> str:
    """Return the entry of this program."""
    number = f",\n  version = {{{version}}}" if version else ""
    return (
        "@software{miniscope_nwb,\n  author = {{The miniscope-nwb developers}},\n"
        "  title = {miniscope-nwb: raw miniscope recordings to analysed, shareable NWB files}"
        f"{number}\n}}"
    )


def bibliography(papers: Iterable[Paper], version: str) -> str:
    """Return all entries."""
    return "\n\n".join([*(paper.bibtex for paper in papers), software_bibtex(version)])
