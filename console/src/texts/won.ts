// What is said of money that the book wins or loses.

export default {
  loses: 'loses',
  wins: 'wins',
  even: 'even',
};
