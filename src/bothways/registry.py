"""What exists: every name a user can write, and where its one file is.

To add a component, write its file and add its line here; contract tests, `bothways ls` and the
"did you mean" of every error message then know it. Nothing is imported before it is asked for.
"""

import difflib
import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from bothways.errors import BothwaysError

REGISTRY: Mapping[str, Mapping[str, str]] = {
    "facts": {
        "bijection": "bothways.facts.worlds.bijection:Bijection",
        "family": "bothways.facts.worlds.family:Family",
        "pairs": "bothways.facts.worlds.pairs:Pairs",
        "mirror": "bothways.facts.worlds.mirror:Mirror",
        "relations": "bothways.facts.worlds.relations:Relations",
        "arrows": "bothways.facts.worlds.arrows:Arrows",
        "chain": "bothways.facts.worlds.chain:Chain",
        "chain_related": "bothways.facts.worlds.chain_related:ChainRelated",
        "graphs": "bothways.facts.worlds.graphs:Graphs",
        "biographies": "bothways.facts.worlds.biographies:Biographies",
        "in_context": "bothways.facts.worlds.in_context:InContext",
    },
    "exams": {
        "directions": "bothways.facts.exam:ExamConfig",
        "semantics": "bothways.facts.semantics:Semantics",
    },
    "readers": {
        ".csv": "bothways.facts.readers.table:read_csv",
        ".tsv": "bothways.facts.readers.table:read_tsv",
        ".txt": "bothways.facts.readers.table:read_tsv",
        ".jsonl": "bothways.facts.readers.jsonl:read_jsonl",
        ".nt": "bothways.facts.readers.rdf:read_ntriples",
        ".ttl": "bothways.facts.readers.rdf:read_turtle",
    },
    "objectives": {
        "causal": "bothways.objectives.causal:Causal",
        "masked_diffusion": "bothways.objectives.masked_diffusion:MaskedDiffusion",
        "masked_lm": "bothways.objectives.masked_lm:MaskedLM",
        "any_order": "bothways.objectives.any_order:AnyOrder",
        "masked_finetuning": "bothways.objectives.masked_finetuning:MaskedFinetuning",
        "bidirectional_causal": "bothways.objectives.bidirectional_causal:BidirectionalCausal",
        "in_place_masking": "bothways.objectives.in_place_masking:InPlaceMasking",
    },
    "mitigations": {
        "both_directions": "bothways.mitigations.both_directions:BothDirections",
        "reverse_training": "bothways.mitigations.reverse_training:ReverseTraining",
        "semantic_permutation": "bothways.mitigations.semantic_permutation:SemanticPermutation",
        "identity_bridge": "bothways.mitigations.identity_bridge:IdentityBridge",
        "paraphrases": "bothways.mitigations.paraphrases:Paraphrases",
        "neutral_mention": "bothways.mitigations.neutral_mention:NeutralMention",
        "weight_symmetry": "bothways.mitigations.weight_symmetry:WeightSymmetry",
        "relation_blind": "bothways.mitigations.relation_blind:RelationBlind",
        "shuffled_pairs": "bothways.mitigations.shuffled_pairs:ShuffledPairs",
    },
    "models": {
        "transformer": "bothways.models.transformer:TransformerConfig",
        "bilinear": "bothways.models.bilinear:BilinearConfig",
        "pairwise": "bothways.models.pairwise:PairwiseConfig",
        "gru": "bothways.models.gru:GruConfig",
        "pretrained": "bothways.models.pretrained:Pretrained",
    },
    "probes": {
        "answers": "bothways.mechanisms.answers:Answers",
        "embedding_cosine": "bothways.mechanisms.embedding_cosine:EmbeddingCosine",
        "attention_routes": "bothways.mechanisms.attention_routes:AttentionRoutes",
        "factorisation_gap": "bothways.mechanisms.factorisation_gap:FactorisationGap",
        "general_text": "bothways.mechanisms.general_text:GeneralText",
        "gradient_alignment": "bothways.mechanisms.gradient_alignment:GradientAlignment",
        "linear_probe": "bothways.mechanisms.linear_probe:LinearProbe",
        "logit_lens": "bothways.mechanisms.logit_lens:LogitLens",
        "tasks": "bothways.mechanisms.tasks:Tasks",
        "partner_lens": "bothways.mechanisms.partner_lens:PartnerLens",
        "prompted": "bothways.mechanisms.prompted:Prompted",
        "relation_probe": "bothways.mechanisms.relation_probe:RelationProbe",
        "restoration": "bothways.mechanisms.restoration:Restoration",
        "storage_evidence": "bothways.mechanisms.storage_evidence:StorageEvidence",
        "weight_asymmetry": "bothways.mechanisms.weight_asymmetry:WeightAsymmetry",
        "weight_map": "bothways.mechanisms.weight_map:WeightMap",
    },
    "bases": {
        "stand-in": "bothways.bases.stand_in.recipe:StandIn",
    },
    "studies": {
        "training-dynamics": "bothways.studies.training_dynamics:TrainingDynamics",
        "masked-diffusion": "bothways.studies.masked_diffusion:MaskedDiffusionStudy",
        "relational-semantics": "bothways.studies.relational_semantics:RelationalSemantics",
        "knowledge-injection": "bothways.studies.knowledge_injection:KnowledgeInjection",
        "open-questions": "bothways.studies.open_questions:OpenQuestions",
    },
    "executors": {
        "inline": "bothways.sweeps.executors.inline:Inline",
        "process": "bothways.sweeps.executors.process:Process",
        "ray": "bothways.sweeps.executors.ray:Ray",
        "slurm": "bothways.sweeps.executors.slurm:Slurm",
    },
}

SINGULAR = {"facts": "world", "studies": "study"}
"""What one of a room is called, where that is not the room's name without its s."""


def names(room: str) -> tuple[str, ...]:
    """Return every name registered in `room`, in the order of this file.

    >>> names("objectives")[0]
    'causal'
    """
    return tuple(REGISTRY[room])


def lookup(room: str, name: str) -> Any:
    """Import and return what `name` stands for in `room`.

    Raises:
        BothwaysError: the name is unknown; the message gives the nearest one.
    """
    if name not in REGISTRY[room]:
        raise BothwaysError(unknown(SINGULAR.get(room, room.removesuffix("s")), name, REGISTRY[room]))
    module, attribute = REGISTRY[room][name].split(":")
    return getattr(importlib.import_module(module), attribute)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is not a known `what`, with the nearest known name.

    >>> unknown("objective", "casual", ["causal", "masked_diffusion"])
    "Unknown objective 'casual'. Did you mean 'causal'? Known: causal, masked_diffusion."
    """
    known = list(known)
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    suggestion = f" Did you mean '{nearest[0]}'?" if nearest else ""
    return f"Unknown {what} '{name}'.{suggestion} Known: {', '.join(known)}."
