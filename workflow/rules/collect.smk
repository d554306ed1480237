# What came out: checked against the manifest, merged, reported, and judged.

from jobs.manifest import read_manifest


def outcomes(wildcards):
    manifest = read_manifest(Path(checkpoints.plan.get().output.manifest))
    return [folder.block(number).outcome for number in range(manifest.n_blocks)]


rule validate:
    input:
        manifest=folder.manifest,
        outcomes=outcomes,
    output:
        validation=folder.validation,
    params:
        folder=folder.root,
    log:
        folder.root / "logs" / "validate.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m jobs.validate --folder {params.folder:q} 2>&1 | tee {log:q}"


rule merge:
    input:
        validation=folder.validation,
    output:
        index=folder.merged_index,
    params:
        folder=folder.root,
    log:
        folder.root / "logs" / "merge.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m jobs.merge --folder {params.folder:q} 2>&1 | tee {log:q}"


rule report:
    input:
        validation=folder.validation,
        index=folder.merged_index,
    output:
        report=folder.report,
    params:
        folder=folder.root,
    log:
        folder.root / "logs" / "report.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m monitoring.report --folder {params.folder:q} 2>&1 | tee {log:q}"


rule complete:
    input:
        validation=folder.validation,
        report=folder.report,
    output:
        folder.root / "complete",
    params:
        folder=folder.root,
    log:
        folder.root / "logs" / "complete.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m jobs.verdict --folder {params.folder:q} 2>&1 | tee {log:q}"
