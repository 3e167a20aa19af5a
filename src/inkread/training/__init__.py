"""Training, evaluating and exporting networks; needs the extra ``[train]``.

Four functions are all that a program needs; the tutorial, ``docs/tutorial.ipynb``, uses them:

- ``mnist.load()`` returns the images and labels, in three parts;
- ``recipes.recipe_named("quick")`` returns a training's settings;
- ``train.train(recipe, digits, folder, seed=0)`` trains, and returns the run;
- ``evaluation.evaluate.evaluate(Model(run.model_file), digits.test)`` measures the model.
"""

from inkread.privacy import keep_library_files_in_cache

keep_library_files_in_cache()
