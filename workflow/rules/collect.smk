# What came out: checked against the manifest, merged, reported, and judged.

from jobs.running.outcome import outcome_files


rule validate:
    input:
        manifest=folder.manifest,
        outcomes=lambda wildcards: outcome_files(
            folder, checkpoints.plan.get().output.manifest
        ),
    output:
        validation=folder.validation,
    log:
        folder.root / "logs" / "validate.log",
    conda:
        "../../environment.yml"
    params:
        folder=folder.root,
    shell:
        "python -m jobs.results.validate --folder {params.folder:q} 2>&1 | {{ tee {log:q} || cat > /dev/null; }}"


rule merge:
    input:
        validation=folder.validation,
    output:
        index=folder.merged_index,
    log:
        folder.root / "logs" / "merge.log",
    conda:
        "../../environment.yml"
    params:
        folder=folder.root,
    shell:
        "python -m jobs.results.merge --folder {params.folder:q} 2>&1 | {{ tee {log:q} || cat > /dev/null; }}"


rule report:
    input:
        validation=folder.validation,
        index=folder.merged_index,
    output:
        report=folder.report,
    log:
        folder.root / "logs" / "report.log",
    conda:
        "../../environment.yml"
    params:
        folder=folder.root,
    shell:
        "python -m monitoring.report --folder {params.folder:q} 2>&1 | {{ tee {log:q} || cat > /dev/null; }}"


rule complete:
    input:
        validation=folder.validation,
        report=folder.report,
    output:
        folder.root / "complete",
    log:
        folder.root / "logs" / "complete.log",
    conda:
        "../../environment.yml"
    params:
        folder=folder.root,
    shell:
        "python -m jobs.results.verdict --folder {params.folder:q} 2>&1 | {{ tee {log:q} || cat > /dev/null; }}"
