# One instance per block, one HTCondor cluster per instance: hand it over if it is not there, follow it to its end.


rule reprocess:
    input:
        enqueued=folder.root / "enqueued",
    output:
        outcome=folder.blocks / "{block}" / "outcome.parquet",
    log:
        folder.root / "logs" / "reprocess-{block}.log",
    conda:
        "../../environment.yml"
    params:
        sites=sites,
        folder=folder.root,
    shell:
        "python -m jobs.running.watch --folder {params.folder:q} --sites-folder {params.sites:q}"
        " --block {wildcards.block} 2>&1 | {{ tee {log:q} || cat > /dev/null; }}"
