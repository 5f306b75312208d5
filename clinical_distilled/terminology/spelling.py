"""British and American spelling of medical words, by stems that are safe to swap inside any word."""

import re

_STEMS = """
aetiolog etiolog | anaemi anemi | anaesth anesth | bacteraem bacterem | behaviour behavior | caecal cecal
caecum cecum | caesar cesar | calcaem calcem | coeliac celiac | discolour discolor | faecal fecal | faeces feces
fibre fiber | foetal fetal | foetus fetus | glycaem glycem | goitre goiter | gynaec gynec | haemang hemang
haemarth hemarth | haemat hemat | haemoch hemoch | haemod hemod | haemog hemog | haemol hemol | haemop hemop
haemorr hemorr | haemost hemost | haemoth hemoth | ischaem ischem | isation ization | kalaem kalem | leukaem leukem
lipidaem lipidem | naevi nevi | naevus nevus | natraem natrem | oedem edem | oesoph esoph | oestrad estrad
oestriol estriol | oestrog estrog | orthopaed orthoped | paediatric pediatric | pnoea pnea | pnoeic pneic | rhoea rhea
septicaem septicem | sulph sulf | tumour tumor | uraem urem | viraem virem | aemia emia
"""
_PAIRS = [pair.split() for line in _STEMS.strip().split("\n") for pair in line.split("|")]
_TO_AMERICAN = dict(_PAIRS)
_TO_BRITISH = {american: british for british, american in _PAIRS}
_BRITISH = re.compile("|".join(_TO_AMERICAN))
_AMERICAN = re.compile("|".join(f"(?<!o){stem}" if stem.startswith("e") else stem for stem in _TO_BRITISH))


def respell(name: str) -> set[str]:
    """Return a name as written in Britain and in America, without the spelling it has already.

    Capital initials are left alone: brand names have one spelling.
    """
    american = _BRITISH.sub(lambda found: _TO_AMERICAN[found[0]], name)
    british = _AMERICAN.sub(lambda found: _TO_BRITISH[found[0]], american)
    return {american, british} - {name}
