"""What rows say is true, made one plain form however it is written: labels, spans, answers, boxes, masks, words."""
