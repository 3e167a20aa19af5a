"""The order of the modules: each imports only those before it."""

__all__ = ["LAYERS"]

LAYERS = {
    "": "errors files privacy table meanings notation results",
    "imaging": """
        input_files pdf tiff resize images components normalize ink crops segmentation
        layout_options layout_maps layout grids run_groups run_crops
    """,
    "decoding": "automaton patterns check_digits constraints ctc search readings decoder",
    "models": "metadata runtime layout_model registry",
    "recognition": """
        glyph_reader augmented_views fusion line_reader number_reader digit_reader orientation
        number_tables number_groups page_reader locator
    """,
    "reader": "",
    "explain": "occlusion illustration feature_maps",
    "batch": """
        sources allocator process_limits processes annotate batch_reader results_file formats
        grid_files
    """,
    "corrections": "correction database schema reserve store",
    "forms": """
        fields relations print_layout yaml_lines template markers printing writing_lines propose
        blank_page align field_print extract candidates values corrected_values voids field_reader
        rules form_reader journal field_crops tables form_batch
    """,
    "scale": "inputs dataset worker picture_job form_job ray_engine",
    "web": """
        pool metrics settings middleware.problems middleware.access middleware.limits
        middleware.security live_reader reading_processes service schemas examples
        uploads reading_options template_bodies field_corrections connections
        routes.page_routes routes.health_routes routes.read_routes routes.picture_routes
        routes.classify_routes routes.correction_routes routes.form_routes form_review application
        server
    """,
    "training": """
        mnist handwriting.archives handwriting.pens handwriting.scans handwriting.unipen
        handwriting.originals history
        augmentation.elastic augmentation.blending augmentation.shape_distortions
        augmentation.distortions
        synthesis.digit_strokes synthesis.rare_shapes synthesis.letter_strokes synthesis.fonts
        synthesis.pen synthesis.patches synthesis.drawn_digits synthesis.writer
        synthesis.pen_writers synthesis.pen_hand synthesis.scanned_writers synthesis.number_texts
        synthesis.printed_texts synthesis.form_rules synthesis.papers synthesis.surroundings
        synthesis.numbers
        synthesis.page_sheet synthesis.page_print synthesis.page_writing synthesis.page_content
        synthesis.page_tables synthesis.page_combs synthesis.page_fields synthesis.page_kinds
        synthesis.page_camera synthesis.pages synthesis.scribbles synthesis.non_digits
        synthesis.other_hands synthesis.filled_forms
        recipes line_recipes layout_recipes data_sources
        networks.architectures networks.layout_network networks.export networks.layout_export
        networks.reconstruction
        evaluation.calibrate evaluation.evaluate evaluation.robustness evaluation.cost
        evaluation.plots evaluation.provenance evaluation.report
        batches.glyph_batches batches.line_batches batches.page_pools
        runs epoch train line_fitting train_line train_layout plan finetune finetune_line promotion
    """,
    "cli": """
        tensorflow_notices output progress usage engine_options samples_command read_command
        explain_command
        data_commands correction_learning train_commands models_commands demo evaluate_commands
        form_demo form_commands
        serve_commands app
    """,
}
