"""Trained models (训练模型) in MLflow: registered with everything needed to repeat them, promoted by a named person."""
